//! Texts that would run somewhere if a page let them, and how a page is looked at that shows them.

use super::Browser;
use scraper::{Html, Selector};

/// Thirty ways to turn a text into something that runs.
pub const PAYLOADS: [&str; 30] = [
    "<script>x()</script>",
    "</textarea><script>x()</script>",
    "</title><script>x()</script>",
    "\"><script>x()</script>",
    "'><script>x()</script>",
    "<img src=x onerror=x()>",
    "\"><img src=x onerror=x()>",
    "<svg onload=x()>",
    "<svg/onload=x()//",
    "<body onload=x()>",
    "<iframe src=javascript:x()>",
    "<a href=javascript:x()>a</a>",
    "javascript:x()",
    "\" onmouseover=\"x()",
    "' onfocus='x()' autofocus='",
    "<details open ontoggle=x()>",
    "<math><mi//xlink:href=\"javascript:x()\">",
    "<style>@import 'javascript:x()'</style>",
    "<link rel=stylesheet href=//e.example>",
    "<meta http-equiv=refresh content=0;url=//e.example>",
    "<base href=//e.example>",
    "<form action=//e.example><button>a",
    "<input autofocus onfocus=x()>",
    "{{ 7 * 7 }}",
    "${7 * 7}",
    "<!--<img src=--><img src=x onerror=x()>",
    "<![CDATA[<script>x()</script>]]>",
    "&lt;script&gt;x()&lt;/script&gt;",
    "%3Cscript%3Ex()%3C/script%3E",
    "\u{2028}<scr<script>ipt>x()</scr</script>ipt>",
];

/// A page holds nothing but what its templates put there, as a browser reads it, whatever stands in its texts.
#[track_caller]
pub fn assert_inert(eve: &Browser<'_>, payload: &str) {
    let html = Html::parse_document(&eve.answer.text);
    let all = Selector::parse("*").unwrap();
    for element in html.select(&all) {
        let element = element.value();
        let name = element.name();
        let foreign = matches!(name, "iframe" | "style" | "base" | "math" | "object" | "embed");
        assert!(!foreign, "{} has <{name}> after {payload:?}", eve.address);
        let ours = element.attr("src").is_some_and(|src| src.starts_with("/assets/"));
        assert!(name != "script" || ours, "{} has a script after {payload:?}", eve.address);
        let refresh = name == "meta" && element.attr("http-equiv").is_some();
        assert!(!refresh, "{} is sent elsewhere after {payload:?}", eve.address);
        let sends = match name {
            "link" => element.attr("href"),
            "form" => element.attr("action"),
            "button" => element.attr("formaction"),
            _ => None,
        };
        assert!(
            sends.is_none_or(|to| to.starts_with('/') || to == "data:,"),
            "{} sends to {sends:?} after {payload:?}",
            eve.address
        );
        for (attribute, value) in element.attrs() {
            let runs = attribute.starts_with("on") || value.trim_start().starts_with("javascript:");
            let shown = matches!(attribute, "value" | "aria-label" | "alt" | "title");
            assert!(!runs || shown, "{} has {attribute}={value:?} after {payload:?}", eve.address);
            assert!(attribute != "src" || value.starts_with('/'), "{}: src={value:?}", eve.address);
        }
    }
}
