use super::*;

const SCRIPT: File = File {
    path: "assets/app-1a2b3c.js",
    plain: b"plain",
    gzip: Some(b"gzip"),
    brotli: Some(b"brotli"),
};

fn asking(name: header::HeaderName, value: &str) -> HeaderMap {
    let mut request = HeaderMap::new();
    request.insert(name, HeaderValue::from_str(value).unwrap());
    request
}

#[test]
fn the_smallest_form_that_is_accepted_is_sent() {
    let cases = [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", "plain"),
        ("brotli", "plain"),
        ("", "plain"),
    ];
    for (accepted, expected) in cases {
        let (encoding, _) = chosen(&SCRIPT, &asking(header::ACCEPT_ENCODING, accepted));
        assert_eq!(encoding, expected, "for {accepted:?}");
    }
    let answer = answer(&SCRIPT, "tag", &asking(header::ACCEPT_ENCODING, "br"));
    assert_eq!(answer.headers()[header::CONTENT_ENCODING], "br");
    assert_eq!(answer.headers()[header::VARY], "accept-encoding");
}

#[test]
fn what_has_a_hash_in_its_name_is_kept_and_the_page_is_asked_for() {
    let request = HeaderMap::new();
    let script = answer(&SCRIPT, "tag", &request);
    assert_eq!(script.headers()[header::CACHE_CONTROL], FOREVER);
    let page = answer(&NONE, "tag", &request);
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
}

#[test]
fn a_page_that_is_known_is_not_sent_again() {
    let first = answer(&NONE, "tag", &HeaderMap::new());
    assert_eq!(first.status(), StatusCode::OK);
    let tag = first.headers()[header::ETAG].to_str().unwrap();
    let known = asking(header::IF_NONE_MATCH, tag);
    assert_eq!(
        answer(&NONE, "tag", &known).status(),
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(answer(&NONE, "other", &known).status(), StatusCode::OK);
    // Packed otherwise it is not what the browser has.
    let mut known = asking(header::ACCEPT_ENCODING, "br");
    known.insert(
        header::IF_NONE_MATCH,
        HeaderValue::from_static("\"tag-plain\""),
    );
    assert_eq!(answer(&SCRIPT, "tag", &known).status(), StatusCode::OK);
}

#[test]
fn the_policy_lets_in_nothing_from_elsewhere_and_nothing_inline() {
    let page = answer(&NONE, "tag", &HeaderMap::new());
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"));
    for word in ["unsafe", "http", "data:", "*"] {
        assert!(!policy.contains(word), "the policy has {word}: {policy}");
    }
}

#[test]
fn the_pages_hold_no_script_and_no_style() {
    let is_page = |file: &&File| media_type(file.path).starts_with("text/html");
    let built = BUILT.iter().filter(is_page);
    for file in built.chain([&NONE]) {
        let text = std::str::from_utf8(file.plain).unwrap();
        for word in ["<script>", "<style", " style=", " onclick"] {
            assert!(!text.contains(word), "{} has {word}", file.path);
        }
    }
}

#[test]
fn whatever_the_built_page_names_is_served() {
    let Some(page) = BUILT.iter().find(|file| file.path == "index.html") else {
        let text = std::str::from_utf8(NONE.plain).unwrap();
        assert!(text.contains("make run"), "the page says how to build it");
        return;
    };
    let text = std::str::from_utf8(page.plain).unwrap();
    let named = text.split('"').filter(|part| part.starts_with('/'));
    for path in named {
        let is_served = BUILT.iter().any(|file| path == format!("/{}", file.path));
        assert!(is_served, "{path} is not served");
    }
}

#[test]
fn no_two_addresses_of_the_client_collide() {
    // Axum panics at such a table.
    let _: Router = router();
    let _: Router = routes(&[]);
}
