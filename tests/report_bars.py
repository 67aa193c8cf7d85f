"""What a browser made of a report: the bars of bars.json (tests/report_cli.sh writes it), read from the page's drawings.
    report_bars.py DUMPED_PAGE.html"""
import html.parser
import re
import sys


class Node:
    def __init__(self, tag, attrs, parent):
        self.tag, self.attrs, self.parent, self.children, self.own = tag, attrs, parent, [], ""

    def find(self, tag=None, **attrs):
        found = []
        for c in self.children:
            fits = (tag is None or c.tag == tag) and all(v in (c.attrs.get(k.rstrip("_")) or "").split() for k, v in attrs.items())
            found += ([c] if fits else []) + c.find(tag, **attrs)
        return found

    def text(self, tooltips=False):
        return self.own + "".join(c.text(tooltips) for c in self.children if tooltips or c.tag != "title")


class Page(html.parser.HTMLParser):
    EMPTY = {"meta", "link", "input", "br", "img", "hr"}

    def __init__(self):
        super().__init__()
        self.root = self.at = Node("", {}, None)

    def handle_starttag(self, tag, attrs):
        node = Node(tag, dict(attrs), self.at)
        self.at.children.append(node)
        if tag not in self.EMPTY:
            self.at = node

    def handle_startendtag(self, tag, attrs):
        self.at.children.append(Node(tag, dict(attrs), self.at))

    def handle_endtag(self, tag):
        node = self.at
        while node.parent and node.tag != tag:
            node = node.parent
        if node.parent:
            self.at = node.parent

    def handle_data(self, data):
        self.at.own += data


def check(title, passed, *what):
    print(f"{'ok' if passed else 'not ok'} - {title}")
    if not passed:
        print("# " + repr(what))


page = Page()
page.feed(open(sys.argv[1], encoding="utf-8").read())
article = [a for a in page.root.find("article") if "bars.json" in a.text()][-1]
sections = {s.find("h3")[0].text().split(" – ")[0]: s for s in article.find("section", class_="table")}
number = lambda s: float(s.replace("px", ""))


def bars(section):
    """Value, width and words of each bar."""
    return [(number(g.attrs["data-value"]), number(g.find("rect")[0].attrs["width"]), g.find("text")[-1].text()) for g in section.find("g", class_="bar")]


def in_proportion(values, widths):
    most = max(range(len(values)), key=lambda i: abs(values[i]))
    return all(abs(w - abs(v) * widths[most] / abs(values[most])) < 0.6 for v, w in zip(values, widths))


memory = bars(sections["memory"])
check("a table of words is bars, in proportion from 0", len(memory) == 3 and in_proportion([b[0] for b in memory], [b[1] for b in memory]), memory)
check("with values in words", [b[2] for b in memory] == ["24.19 GB", "404.8 MB", "8 GB"], memory)
labels = [t.text() for t in sections["memory"].find("text")]
check("and every label whole", "buffers of the low-latency kernels and what they hold" in labels, labels)
check("it has no other chart", not sections["memory"].find(class_="chart"))
check("its rows are open", "open" in sections["memory"].find("details")[0].attrs)
check("and many rows are not", "open" not in sections["many"].find("details")[0].attrs)
gains = bars(sections["what_if"])
check("what is below 0 goes to the other side, as per cent", [b[2] for b in gains] == ["20 %", "-5 %"] and in_proportion([b[0] for b in gains], [b[1] for b in gains]), gains)
check("headings part what has one name", [t.text() for t in sections["kernels"].find("text", class_="heading")] == ["attn", "moe", "head"],
      [t.text() for t in sections["kernels"].find("text", class_="heading")])
step = sections["step"]
check("colours tell networks apart", len(bars(step)) == 4 and len(step.find("p", class_="legend")[0].find("span", class_="square")) == 2, bars(step))
ranks = sections["ranks"].find("svg", class_="bars")[0]
parts = [(number(g.attrs["data-value"]), number(g.find("rect")[0].attrs["x"]), number(g.find("rect")[0].attrs["width"])) for g in ranks.find("g", class_="part")]
check("parts of a step are stacked, without what is no part", len(parts) == 6 and all(abs(a[1] + a[2] - b[1]) < 1e-6 for k, (a, b) in enumerate(zip(parts, parts[1:])) if k % 3 < 2), parts)
check("as wide as they are long", in_proportion([p[0] for p in parts], [p[2] for p in parts]), parts)
mean = sections["means"]
whiskers = [re.findall(r"-?[0-9.]+", p.attrs["d"]) for p in mean.find("path", class_="whisker")]
check("means have whiskers and say them", len(whiskers) == 2 and "± 2 ms" in bars(mean)[0][2], whiskers, bars(mean))

network = [a for a in page.root.find("article") if "mpft.json" in a.text()][0]
fullest = network.find(class_="fullest")
check("a network says which cables are full", len(fullest) == 1 and "32 of 32 connections are full" in fullest[0].text() and bars(fullest[0])[0][2] == "100 %",
      [f.text() for f in fullest])
check("no bar is outside of its drawing", all(number(r.attrs["x"]) + number(r.attrs["width"]) <= 1130.5 for s in page.root.find("svg", class_="bars") for r in s.find("rect")))
