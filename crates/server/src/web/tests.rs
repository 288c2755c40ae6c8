use super::*;

#[test]
fn the_page_names_only_files_that_are_served() {
    let page = FILES.iter().find(|file| file.path == "/").unwrap();
    let named = page
        .text
        .split('"')
        .filter(|part| part.starts_with("/assets/"));
    let served: Vec<_> = FILES.iter().map(|file| file.path).collect();
    for path in named {
        assert!(served.contains(&path), "{path} is not served");
    }
    let scripts = FILES
        .iter()
        .filter(|file| file.media_type.starts_with("text/javascript"));
    for (script, import) in scripts.flat_map(|file| {
        let imports = file
            .text
            .lines()
            .filter_map(|line| line.split(" from \"./").nth(1));
        imports.map(move |import| (file.path, import))
    }) {
        let path = format!("/assets/{}", import.trim_end_matches("\";"));
        assert!(
            served.contains(&path.as_str()),
            "{script} imports {path}, which is not served"
        );
    }
}

#[test]
fn no_script_makes_html_of_text() {
    for file in FILES {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!file.text.contains(word), "{} has {word}", file.path);
        }
    }
    let page = FILES[0].text;
    assert!(!page.contains("<script>") && !page.contains(" style=") && !page.contains(" onclick"));
}

#[test]
fn a_page_that_is_known_is_not_sent_again() {
    let mut request = HeaderMap::new();
    let first = answer(&FILES[0], &request);
    assert_eq!(first.status(), StatusCode::OK);
    let policy = first.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"));
    request.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
    assert_eq!(
        answer(&FILES[0], &request).status(),
        StatusCode::NOT_MODIFIED
    );
}
