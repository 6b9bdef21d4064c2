//! Styles and scripts of others, without what they would fetch from elsewhere.

/// The style sheet without its `@font-face` rules: the fonts are on another host, and under a licence that does not
/// cover this. The style then falls back to the next font of its list, which the reader's machine has.
///
/// # Errors
/// It would still fetch something from elsewhere: says what.
pub(super) fn local(style: &str) -> Result<String, String> {
    let style = without_map(&without_fonts(style));
    let remote = addresses(&style).find(|address| !is_carried(address) && picture(address).is_none());
    let imported = style.contains("@import").then_some("an imported style sheet");
    match remote.or(imported) {
        Some(address) => Err(format!("it would fetch {address}")),
        None => Ok(style),
    }
}

/// The pictures that a style sheet shows, such as `images/cross.svg`.
pub(super) fn pictures(style: &str) -> std::collections::BTreeSet<&str> {
    addresses(style).filter_map(picture).collect()
}

/// Without the comment that names a source map, which is not served.
pub(super) fn without_map(text: &str) -> String {
    let end =
        ["//# sourceMappingURL=", "/*# sourceMappingURL="].iter().filter_map(|mark| text.rfind(mark)).min();
    let kept = end.map_or(text, |end| &text[..end]);
    format!("{}\n", kept.trim_end())
}

fn without_fonts(style: &str) -> String {
    let mut kept = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, rule)) = rest.split_once("@font-face") {
        kept.push_str(before);
        rest = rule.split_once('}').map_or("", |(_, after)| after);
    }
    kept + rest
}

/// What a style sheet would fetch.
fn addresses(style: &str) -> impl Iterator<Item = &str> {
    let addresses = style.split("url(").skip(1).map(|rest| rest.split(')').next().unwrap_or_default());
    addresses.map(|address| address.trim_matches(['"', '\'', ' ']))
}

/// Whether it is part of the style sheet or page itself.
fn is_carried(address: &str) -> bool {
    address.starts_with("data:") || address.starts_with('#')
}

/// The name of one of the frontend's own pictures.
fn picture(address: &str) -> Option<&str> {
    address.strip_prefix("/assets/").filter(|name| name.starts_with("images/") && !name.contains(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_fonts_and_the_source_map_go_and_all_else_stays() {
        let style = "a{b:c}@font-face{font-family:X;src:url(https://fonts.example/x.woff2)}\
                     d{e:f}@font-face{src:url(//y.example)}g{h:i}\n/*# sourceMappingURL=x.css.map */\n";
        assert_eq!(local(style).unwrap(), "a{b:c}d{e:f}g{h:i}\n");
        assert_eq!(without_map("f();//# sourceMappingURL=x.js.map\n"), "f();\n");
        assert_eq!(without_map("f();"), "f();\n");
    }

    #[test]
    fn what_would_still_be_fetched_from_elsewhere_is_an_error() {
        for (style, named) in [
            ("a{background:url('https://x.example/y.png')}", "https://x.example/y.png"),
            ("a{background:url(/assets/images/../y.png)}", "/assets/images/../y.png"),
            ("@import 'x.css';", "an imported style sheet"),
        ] {
            assert_eq!(local(style).unwrap_err(), format!("it would fetch {named}"));
        }
        assert!(local("a{clip-path:url(#b);background:url(\"data:image/svg+xml;x\")}").is_ok());
    }

    #[test]
    fn its_pictures_are_named_once() {
        let style = "a{background:url(/assets/images/x.svg)}b{mask:url('/assets/images/x.svg')}c{d:url(#e)}";
        assert_eq!(local(style).unwrap(), format!("{style}\n"));
        assert_eq!(pictures(style).into_iter().collect::<Vec<_>>(), ["images/x.svg"]);
    }
}
