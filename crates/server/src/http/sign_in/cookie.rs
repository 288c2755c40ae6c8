//! Cookies that no script can read.

use axum::http::{HeaderMap, HeaderValue, header};
use semel_protocol::limits::{PROVIDER_MINUTES_MAX, SESSION_IDLE_DAYS_MAX};

/// The refresh token of a page of this server.
pub(super) const REFRESH: Cookie = Cookie {
    name: "semel_refresh",
    path: "/api/auth",
    same_site: "Strict",
    seconds: SESSION_IDLE_DAYS_MAX * 86_400,
};
/// What binds a provider's answer to the browser that began. The way back from it is a link of another site.
pub(super) const PROVIDER: Cookie = Cookie {
    name: "semel_provider",
    path: "/api/auth/providers",
    same_site: "Lax",
    seconds: PROVIDER_MINUTES_MAX * 60,
};

/// A cookie of this server.
pub(super) struct Cookie {
    name: &'static str,
    path: &'static str,
    same_site: &'static str,
    seconds: i64,
}

impl Cookie {
    /// What the browser has. Of several nobody knows who set which: none.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == self.name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Gives it to the browser; over TLS only, if it came over TLS.
    pub(super) fn set(&self, value: &str, origin: &str) -> HeaderValue {
        self.header(value, self.seconds, origin)
    }

    /// Takes it away.
    pub(super) fn clear(&self, origin: &str) -> HeaderValue {
        self.header("", 0, origin)
    }

    fn header(&self, value: &str, seconds: i64, origin: &str) -> HeaderValue {
        let secure = if origin.starts_with("https://") {
            "; Secure"
        } else {
            ""
        };
        let Self {
            name,
            path,
            same_site,
            ..
        } = self;
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
        );
        HeaderValue::from_str(&text).expect("tokens are visible ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_read_and_none_of_two() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; semel_refresh=x=y"),
        );
        assert_eq!(REFRESH.read(&headers), Some("x=y"));
        headers.append(header::COOKIE, HeaderValue::from_static("semel_refresh=z"));
        assert_eq!(REFRESH.read(&headers), None);
    }

    #[test]
    fn no_script_reads_a_cookie_and_no_other_site_sends_it() {
        let text = REFRESH.set("t", "https://chat.example");
        let text = text.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/api/auth"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            !REFRESH
                .set("t", "http://localhost")
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }
}
