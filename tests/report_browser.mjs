// A report in headless Chromium: PAGE.html with claims, a sweep, a network and a timeline (tests/report_cli.sh makes
// it). Prints a line of TAP per check, without numbers.
//   node report_browser.mjs PAGE.html NODE_MODULES_FOLDER CHROMIUM
import { createRequire } from "module";
import { pathToFileURL } from "url";

const [page_file, modules, chromium_path] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const SIZE = { width: 1200, height: 900 };

function check(title, passed, ...what) {
    console.log(`${passed ? "ok" : "not ok"} - ${title}`);
    if (!passed) what.forEach((w) => console.log("# " + JSON.stringify(w)));
}

const browser = await chromium.launch({ executablePath: chromium_path, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: SIZE });
const errors = [], requests = [];
page.on("console", (m) => ["error", "warning"].includes(m.type()) && errors.push(m.text()));
page.on("pageerror", (e) => errors.push(e.message));
page.on("request", (r) => requests.push(r.url()));
await page.goto(pathToFileURL(page_file).href);

// --- on paper
const drawn = () => page.locator(".chart").evaluateAll((all) => all.filter((c) => c.chart).length);
const unseen = await page.locator(".chart").count() - await drawn();
await page.pdf();
check("charts that nobody has scrolled to are printed", unseen > 0 && (await drawn()) === (await page.locator(".chart").count()), unseen, await drawn());

/** The chart of an article, drawn. */
async function chart(selector) {
    const box = page.locator(selector).first();
    await box.scrollIntoViewIfNeeded();
    await page.waitForFunction((s) => document.querySelector(s).chart, selector);
    await page.waitForTimeout(100);
    return box;
}

/** Moves the mouse to a point of the page's own choice and returns what the tooltip says. */
async function hover(box, point) {
    const at = await box.evaluate(point), area = await box.boundingBox();
    await page.mouse.move(area.x + at[0] - 3, area.y + at[1]);
    await page.mouse.move(area.x + at[0], area.y + at[1], { steps: 4 });
    await page.waitForTimeout(300);
    return box.evaluate((b) => [...b.children].map((c) => c.innerText || "").join("\n"));
}

// --- claims
const rows = () => page.locator(".claims tr.claim").count();
const all = await rows(), disputed = await page.locator('.claims .chip[data-verdict="disputed"]').innerText();
check("claims are listed", all > 5, all);
await page.click('.claims .chip[data-verdict="ok"]');
check("a verdict is filtered", (await rows()) < all && (await rows()) >= Number(disputed.split(" ")[0]));
check("and the number of claims says so", (await page.locator(".claims .count").innerText()).startsWith(`${await rows()} of ${all}`));
await page.click('.claims .chip[data-verdict="ok"]');
await page.fill(".claims input[type=search]", "7.28x");
check("the search looks into quotations", (await rows()) === 1);
await page.click(".claims tr.claim");
const detail = await page.locator(".claims tr.detail").innerText();
check("a click shows words and arithmetic", detail.includes("LLaMA-3.1 405B (GQA)") && detail.includes("516.096 / 70.272"), detail);
await page.fill(".claims input[type=search]", "");
await page.selectOption(".claims select[name=class]", "count");
const classes = await page.locator(".claims tr.claim td:nth-child(7)").allInnerTexts();
check("a class is filtered", classes.length > 0 && classes.every((c) => c === "count"), classes);
await page.selectOption(".claims select[name=class]", "");
const ranges = await page.locator(".claims tr.claim:has(td:nth-child(4):text('>=')) td:nth-child(6)").allInnerTexts();
check("a number inside its range is no deviation of 0", ranges.length > 0 && ranges.every((d) => d === "within"), ranges);
await page.click(".claims th:has-text('ours') button");
const numbers = await page.locator(".claims tr.claim td:nth-child(5)").allInnerTexts();
const sorted = numbers.map(parseFloat);
check("a column sorts", sorted.every((v, i) => !i || sorted[i - 1] <= v), numbers);

// --- a sweep
const sweep = await chart('#r1 .chart');
const said = await hover(sweep, (b) => {
    const s = b.chart.getOption().series[0];
    return b.chart.convertToPixel({ seriesIndex: 0 }, s.data[1]);
});
check("hovering over a point shows its values", said.includes("cluster.node.nvlink_bandwidth: ") && said.includes("GB/s"), said);
const zoom = () => sweep.evaluate((b) => { const z = b.chart.getOption().dataZoom[0]; return z.end - z.start; });
const before = await zoom();
await page.mouse.wheel(0, -400);
await page.waitForTimeout(300);
check("the wheel zooms", (await zoom()) < before, before, await zoom());
const axis = () => sweep.evaluate((b) => b.chart.getOption().yAxis[0].name);
const first = await axis();
await page.selectOption('#r1 select[name=y]', { label: "tpot_bound" });
check("another axis is chosen", first !== "tpot_bound" && (await axis()) === "tpot_bound", first, await axis());
const series = () => sweep.evaluate((b) => b.chart.getOption().series.length);
const lines = await series();
const names = await sweep.evaluate((b) => b.chart.getOption().series.map((s) => s.name));
check("lines say of what their numbers are", names.join() === "tokens 16,tokens 32", names);
await page.click('#r1 label:has-text("tpot.tokens") input');
check("lines are split by a choice", lines === 2 && (await series()) === 1, lines, await series());
await page.click('#r1 label:has-text("log y") input');
check("an axis becomes logarithmic", (await sweep.evaluate((b) => b.chart.getOption().yAxis[0].type)) === "log");

// --- a sample, and points that failed
const sample = await chart('#r9 .chart');
const styles = await sample.evaluate((b) => b.chart.getOption().series.map((s) => s.type));
check("a sample is points, not a line for each", styles.join() === "scatter", styles);
const why = await page.locator('#r9 .failures').evaluate((e) => e.textContent);
check("why points have failed", why.includes("unknown model 'nosuch'"), why);

// --- seeds
const seeds = await chart('#r10 .chart');
await page.selectOption('#r10 select[name=y]', { label: "makespan" });
const bars = await seeds.evaluate((b) => b.chart.getOption().series.filter((s) => s.type === "custom").flatMap((s) => s.data));
check("means of seeds have their intervals", bars.length === 2 && bars.every((d) => d[1] < d[2]), bars);
const mean = await hover(seeds, (b) => b.chart.convertToPixel({ seriesIndex: 0 }, b.chart.getOption().series[0].data[1]));
check("hovering over a mean shows its interval", /makespan: .* ± .* \(95 %\)/.test(mean), mean);

// --- a network
const network = await chart(".topology .chart");
check("every node and switch is drawn", (await network.evaluate((b) => b.chart.getOption().series[0].data.length)) === 12);
const node = await hover(network, (b) => {
    const s = b.chart.getModel().getSeriesByIndex(0), i = s.getData().count() - 1, at = s.getData().getItemLayout(i);
    return s.coordinateSystem.dataToPoint(at);
});
check("hovering over a switch says which", /switch 7/.test(node) && /plane 7/.test(node), node);

// --- a timeline
const timeline = await chart('article[data-kind="timeline"] .chart');
check("slices are drawn", (await timeline.evaluate((b) => b.chart.getOption().series.reduce((n, s) => n + s.data.length, 0))) > 100);
const slice = await hover(timeline, (b) => {
    const d = b.chart.getOption().series.flatMap((s) => s.data).reduce((x, y) => (y[2] - y[1] > x[2] - x[1] ? y : x));
    return b.chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [(d[1] + d[2]) / 2, d[0]]);
});
check("hovering over a slice shows its time", /ms \+ .*(ms|µs)/.test(slice), slice);

// --- texts of results are texts
check("markup in results is text", (await page.evaluate(() => window.pwned)) === undefined &&
    (await page.locator("article img, article script, article iframe, article b").count()) === 0);
check("and is shown as it is", (await page.locator("body").innerText()).includes("<img src=x onerror=pwned=1>"));

// --- the picture
await page.locator("#r1").scrollIntoViewIfNeeded();
await page.waitForTimeout(200);
const shot = await page.screenshot();
check("the screenshot has the size of the window", shot.readUInt32BE(16) === SIZE.width && shot.readUInt32BE(20) === SIZE.height);
const blank = await browser.newPage();
const seen = await blank.evaluate(async (data) => {
    const image = new Image();
    image.src = data;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const c = canvas.getContext("2d");
    c.drawImage(image, 0, 0);
    const p = c.getImageData(0, 0, image.width, image.height).data;
    let dark = 0, blue = 0;
    for (let i = 0; i < p.length; i += 4) {
        dark += p[i] + p[i + 1] + p[i + 2] < 300;
        blue += Math.abs(p[i] - 0x00) + Math.abs(p[i + 1] - 0x72) + Math.abs(p[i + 2] - 0xb2) < 30;
    }
    return { dark: dark / (p.length / 4), blue };
}, "data:image/png;base64," + shot.toString("base64"));
check("it shows text and a line in the palette's blue", seen.dark > 0.002 && seen.dark < 0.5 && seen.blue > 200, seen);

check("nothing was loaded", requests.every((u) => u.startsWith("file:") || u.startsWith("data:") || u.startsWith("blob:")) &&
    requests.filter((u) => u.startsWith("file:")).length === 1, requests);
check("no message on the console", errors.length === 0, ...errors);
await browser.close();
