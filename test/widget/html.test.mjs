import assert from "node:assert/strict";
import { test } from "node:test";
import { rebuild } from "../../public/comments/html.js";
import { paper } from "./paper.mjs";

const built = (html) => String(rebuild(html, paper));
const LINK = "rel=nofollow ugc noopener noreferrer target=_blank";
const IMAGE = "loading=lazy referrerpolicy=no-referrer";

test("what the server makes is built as it is", () => {
  for (const [html, want] of [
    ["<p>a &amp; b &lt;i&gt; &quot;c&quot; &#39;d&#39; &#34;</p>", String.raw`[p|a & b <i> \"c\" 'd' \"]`],
    ["<p>one<br>two<br/>three</p>", "[p|one[br|]two[br|]three]"],
    ["<ul><li><strong>a</strong></li><li>b</li></ul>", "[ul|[li|[strong|a]][li|b]]"],
    ['<ol start="3"><li>c</li></ol>', "[ol start=3|[li|c]]"],
    ["<pre><code>a &lt; b\n</code></pre>", String.raw`[pre|[code|a < b\n]]`],
    ['<p><a href="https://example.org/?a=1&amp;b=2" rel="nofollow">x</a></p>', `[p|[a href=https://example.org/?a=1&b=2 ${LINK}|x]]`],
    ['<a href="mailto:ann@example.org">m</a>', `[a href=mailto:ann@example.org ${LINK}|m]`],
    ['<img src="https://example.org/a.png" alt="a &quot;b&quot;">', `[img alt=a "b" ${IMAGE} src=https://example.org/a.png|]`],
    ["a < b & c", "a < b & c"],
    ["&nosuch; &constructor; &#x1F41F; &#0; &#x110000;", "&nosuch; &constructor; 🐟 \ufffd \ufffd"],
    ["", ""],
  ]) assert.equal(built(html), want, html);
});

test("of what no server should send, the text stays and nothing else", () => {
  for (const [html, want] of [
    ["<script>alert(1)</script>", "alert(1)"],
    ['<img src=x onerror="alert(1)">', `[img alt= ${IMAGE}|]`],
    ['<p onclick="alert(1)" style="position:fixed" class="x" id="y">a</p>', "[p|a]"],
    ['<a href="javascript:alert(1)">a</a>', "[a|a]"],
    ['<a href="jav&#x09;ascript:alert(1)">a</a>', "[a|a]"],
    ['<a href=" JaVaScRiPt:alert(1)">a</a>', "[a|a]"],
    ['<a href="&#106;avascript:alert(1)">a</a>', "[a|a]"],
    ['<a href="data:text/html,x">a</a><a href="vbscript:x">b</a><a href="blob:https://example.org/x">c</a>', "[a|a][a|b][a|c]"],
    ['<a href="/moderate">relative</a><a href="//example.org">b</a>', "[a|relative][a|b]"],
    ['<img src="data:image/svg+xml,x"><img src="javascript:x">', `[img alt= ${IMAGE}|][img alt= ${IMAGE}|]`],
    ["<svg><a href=\"https://example.org\"><circle/></a></svg>", `[a href=https://example.org/ ${LINK}|]`],
    ["<math><mtext><table><mglyph><style><img src=x></style></mglyph></table></mtext></math>", `[img alt= ${IMAGE}|]`],
    ["<iframe srcdoc=\"<script>x</script>\"></iframe><object data=x></object><base href=//x><form action=x><input></form>", ""],
    ["<!-- <p>a</p> --><!doctype html><?x?>b", "a -->b"],
    ["<p>a</p></p></div></body>b", "[p|a]b"],
    ["<em><strong>a</em>b</strong>", "[em|[strong|a]]b"],
    ["<p <script>a</p>", "<p a"],
    ["<p", "<p"],
    ["<sockeye-comments page=x>a</sockeye-comments>", "a"],
  ]) assert.equal(built(html), want, html);
});

test("deep and long HTML ends, and soon", () => {
  const deep = rebuild("<blockquote>".repeat(20_000), paper);
  let depth = 0;
  for (let node = deep; node; node = node.children?.at(-1)) depth += 1;
  assert.ok(depth <= 61, `${depth} deep`);
  for (const bad of ["<", "<a ", '<a href="', "&#", "<!", "<p x='"]) assert.ok(built(bad.repeat(4000)).length > 0, bad);
});
