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
    /// What the browser has, at an address with or without TLS. Of several nobody knows who set which: none.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap, is_secure: bool) -> Option<&'a str> {
        let wanted = self.name(is_secure);
        let lines = headers.get_all(header::COOKIE).iter();
        let pairs = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let mut values = pairs.filter(|(name, _)| *name == wanted);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Gives it to the browser; over TLS only, if it came over TLS.
    pub(super) fn set(&self, value: &str, is_secure: bool) -> HeaderValue {
        self.header(value, self.seconds, is_secure)
    }

    /// Takes it away.
    pub(super) fn clear(&self, is_secure: bool) -> HeaderValue {
        self.header("", 0, is_secure)
    }

    /// With a prefix that browsers give to nobody who has no TLS (RFC 6265bis, section 4.1.3): a neighbour without it cannot
    /// put its own cookie in the place of this one.
    fn name(&self, is_secure: bool) -> String {
        let prefix = if is_secure { "__Secure-" } else { "" };
        format!("{prefix}{}", self.name)
    }

    fn header(&self, value: &str, seconds: i64, is_secure: bool) -> HeaderValue {
        let secure = if is_secure { "; Secure" } else { "" };
        let Self {
            path, same_site, ..
        } = self;
        let name = self.name(is_secure);
        let text = format!(
            "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
        );
        HeaderValue::from_str(&text).expect("tokens are visible ASCII")
    }
}

/// Whether a page of this origin came over TLS.
pub(super) fn is_secure(origin: &str) -> bool {
    origin.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_is_read_and_none_of_two() {
        let mut headers = HeaderMap::new();
        let mut add = |text| {
            headers.append(header::COOKIE, HeaderValue::from_static(text));
            [false, true].map(|is_secure| REFRESH.read(&headers, is_secure).map(str::to_owned))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(add("a=1; semel_refresh=x=y"), [some("x=y"), None]);
        let both = [some("x=y"), some("s")];
        assert_eq!(add("__Secure-semel_refresh=s"), both);
        assert_eq!(add("semel_refresh=z"), [None, some("s")]);
    }

    #[test]
    fn no_script_reads_a_cookie_and_no_other_site_sends_it() {
        let set = |is_secure| REFRESH.set("t", is_secure).to_str().unwrap().to_owned();
        let text = set(true);
        for part in ["HttpOnly", "SameSite=Strict", "; Secure", "Path=/api/auth"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.starts_with("__Secure-semel_refresh=t;"), "{text}");
        assert!(!set(false).contains("Secure"));
        assert!(is_secure("https://chat.example") && !is_secure("http://localhost"));
    }
}
