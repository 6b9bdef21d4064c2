//! A page from the request to its last byte, with all that it loads.

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use html5gum::Tokenizer;
use http_body_util::BodyExt;
use tower::ServiceExt;
use ward_pages::{Brand, headers};

use crate::html::{Part, elements, forbidden, parts};
use crate::sample;

async fn get(path: &str) -> (Response<()>, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (head, body) = sample::router(Brand::default()).oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(head, ()), String::from_utf8(body.to_vec()).unwrap())
}

const PAGES: [(&str, StatusCode); 3] =
    [("/", StatusCode::OK), ("/alerts/7", StatusCode::OK), ("/nowhere", StatusCode::NOT_FOUND)];

#[tokio::test]
async fn a_page_arrives_with_its_headers_and_nothing_that_its_policy_forbids() {
    for (path, status) in PAGES {
        let (answer, html) = get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        for (name, value) in headers::PAGE {
            assert_eq!(answer.headers()[&name], value, "{path}");
        }
        assert_eq!(forbidden(&html), Vec::<String>::new(), "{path}");
    }
}

#[tokio::test]
async fn all_that_a_page_loads_is_there_to_stay() {
    for (path, _) in PAGES {
        let (_, html) = get(path).await;
        let addresses = elements(&html)
            .into_iter()
            .filter_map(|(_, mut attributes)| attributes.remove("src").or_else(|| attributes.remove("href")));
        let assets: Vec<String> = addresses.filter(|address| address.starts_with("/assets/")).collect();
        assert!(assets.len() >= 7, "{path}: {assets:?}");
        for address in assets {
            let (answer, content) = get(&address).await;
            assert_eq!(answer.status(), StatusCode::OK, "{address}");
            let kept = answer.headers()[header::CACHE_CONTROL].to_str().unwrap();
            assert!(kept.ends_with("immutable"), "{address}: {kept}");
            // and so is what scripts load
            for imported in
                content.split("from\"/assets/").skip(1).chain(content.split("from \"/assets/").skip(1))
            {
                let imported = imported.split('"').next().unwrap();
                let (answer, _) = get(&format!("/assets/{imported}")).await;
                assert!(answer.headers()[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"));
            }
        }
    }
}

#[tokio::test]
async fn a_page_is_a_well_formed_document() {
    for (path, _) in PAGES {
        let (_, html) = get(path).await;
        let errors =
            Tokenizer::new(&html).filter(|token| matches!(token, Ok(html5gum::Token::Error(_)))).count();
        assert_eq!(errors, 0, "{path}");
        assert!(html.trim_start().starts_with("<!DOCTYPE html>"), "{path}");
        let mut ids: Vec<String> =
            elements(&html).into_iter().filter_map(|(_, mut attributes)| attributes.remove("id")).collect();
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "{path}: an id twice");
        let headings = elements(&html).iter().filter(|(name, _)| name == "h1").count();
        assert_eq!(headings, 1, "{path}");
        balanced(path, &html);
    }
}

/// Each element is closed by its own end.
fn balanced(path: &str, html: &str) {
    const EMPTY: [&str; 7] = ["br", "hr", "img", "input", "link", "meta", "wbr"];
    const MAYBE: [&str; 3] = ["rect", "polyline", "path"];
    let mut open: Vec<String> = Vec::new();
    for part in parts(html) {
        match part {
            Part::Start(name, _) if EMPTY.contains(&name.as_str()) || MAYBE.contains(&name.as_str()) => {}
            Part::Start(name, _) => open.push(name),
            Part::End(name) => assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{path}: {open:?}"),
            _ => {}
        }
    }
    assert_eq!(open, Vec::<String>::new(), "{path}");
}

#[tokio::test]
async fn what_others_wrote_is_text() {
    let (_, html) = get("/").await;
    assert!(html.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt; &amp; a title"), "{html}");
    let scripts = elements(&html).iter().filter(|(name, _)| name == "script").count();
    assert_eq!(scripts, 1, "ours");
}

/// The first visit loads the page, two style sheets, two scripts, icon and mark.
#[tokio::test]
async fn the_first_page_is_light_over_the_wire() {
    let mut addresses = vec!["/".to_owned()];
    for name in
        ["nhsuk-frontend.css", "ward.css", "nhsuk-frontend.js", "ward.js", "ward-icon.svg", "ward-mark.svg"]
    {
        addresses.push(ward_pages::asset::Asset::named(name).unwrap().url());
    }
    let mut all = 0;
    for address in addresses {
        let request =
            Request::get(&address).header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
        let answer = sample::router(Brand::default()).oneshot(request).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes().len();
        println!("{bytes:>7} {address}");
        all += bytes;
    }
    println!("{all:>7}");
    assert!(all < 80 << 10, "{all}");
}
