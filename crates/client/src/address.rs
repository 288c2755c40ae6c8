//! Where a server is.

use std::str::FromStr;

/// A server's address: `http://host:port`. TLS ends at a proxy before the server, and this client talks to the server
/// itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `host:port`, as in the `Host` header.
    pub authority: String,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme than `http`.
    #[error("the address must begin with http://")]
    Scheme,
    /// Nothing after the scheme, or a path.
    #[error("the address must be http://HOST:PORT and no more")]
    Authority,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let rest = text.strip_prefix("http://").ok_or(AddressError::Scheme)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let unexpected = |c: char| c == '/' || c == '@' || c == '?' || c.is_whitespace();
        if authority.is_empty() || authority.contains(unexpected) {
            return Err(AddressError::Authority);
        }
        let after_bracket = authority.rsplit(']').next().unwrap_or(authority);
        let has_port = after_bracket.contains(':');
        let port = if has_port { "" } else { ":80" };
        Ok(Self {
            authority: format!("{authority}{port}"),
        })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_a_scheme_and_an_authority() {
        let authority = |text: &str| text.parse::<Address>().map(|address| address.authority);
        assert_eq!(
            authority("http://127.0.0.1:8080"),
            Ok("127.0.0.1:8080".to_owned())
        );
        assert_eq!(
            authority("http://chat.example/"),
            Ok("chat.example:80".to_owned())
        );
        assert_eq!(authority("http://[::1]:9/"), Ok("[::1]:9".to_owned()));
        assert_eq!(authority("http://[::1]"), Ok("[::1]:80".to_owned()));
        assert_eq!(authority("https://chat.example"), Err(AddressError::Scheme));
        assert_eq!(
            authority("http://chat.example/path"),
            Err(AddressError::Authority)
        );
        assert_eq!(authority("http://"), Err(AddressError::Authority));
    }
}
