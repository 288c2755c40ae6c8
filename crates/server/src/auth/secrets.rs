//! What follows from the server's secret: keyed hashes of codes, refresh tokens, and what seals rows that have to be read
//! again. None of it can be made from what is in the database alone.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use semel_core::{actions::sign_in::is_same_hash, ports::Entropy, sign_in::SessionRow};
use semel_protocol::{ChallengeId, InviteId, SessionId};
use uuid::Uuid;

/// Begins every refresh token, so that one that was put somewhere by mistake is found.
const REFRESH_PREFIX: &str = "semel_rt_";
/// Bytes of a refresh token: session, generation, MAC.
const REFRESH_BYTES: usize = 16 + 8 + 32;
/// Bytes of the token of an invite link: its id, half a MAC. 128 bits are more than anybody guesses, and links stay short.
const INVITE_BYTES: usize = 16 + 16;

/// Keys that follow from the server's secret.
pub struct Secrets {
    codes: hmac::Key,
    refresh: hmac::Key,
    links: hmac::Key,
    invites: hmac::Key,
    sealing: LessSafeKey,
    name: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

/// A refresh token as it was sent. Nothing in it is believed before [`Secrets::is_real`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// Of which session.
    pub session_id: SessionId,
    /// Which of its tokens.
    pub generation: u64,
    mac: [u8; 32],
}

impl RefreshToken {
    /// Reads a token; none if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(REFRESH_PREFIX)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes: [u8; REFRESH_BYTES] = bytes.try_into().ok()?;
        let (session, rest) = bytes.split_at(16);
        let (generation, mac) = rest.split_at(8);
        Some(Self {
            session_id: SessionId(Uuid::from_slice(session).ok()?),
            generation: u64::from_be_bytes(generation.try_into().ok()?),
            mac: mac.try_into().ok()?,
        })
    }
}

impl Secrets {
    /// All that follows from a secret.
    ///
    /// # Panics
    /// Never: the length of a key that is made here is right.
    pub fn new(secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |what: &str| hmac::sign(&root, format!("semel sign-in: {what}").as_bytes());
        let key = |what: &str| hmac::Key::new(hmac::HMAC_SHA256, derived(what).as_ref());
        let sealing = UnboundKey::new(&AES_256_GCM, derived("sealing").as_ref());
        let first = bytes(derived("name"));
        let first = u32::from_be_bytes([first[0], first[1], first[2], first[3]]);
        Self {
            codes: key("codes"),
            refresh: key("refresh"),
            links: key("links"),
            invites: key("invites"),
            sealing: LessSafeKey::new(sealing.expect("SHA-256 has the length of a key")),
            name: format!("{first:08x}"),
        }
    }

    /// Names the secret without telling it: 8 hexadecimal digits.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The keyed hash of a code, which counts with its challenge only.
    pub fn code_hash(&self, id: ChallengeId, code: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.codes);
        context.update(id.0.as_bytes());
        context.update(code.as_bytes());
        bytes(context.sign())
    }

    /// A session's refresh token of a generation.
    pub fn refresh_token(&self, id: SessionId, row: &SessionRow) -> String {
        let message = refresh_message(id, row, row.generation);
        let mut token = Vec::with_capacity(REFRESH_BYTES);
        token.extend_from_slice(id.0.as_bytes());
        token.extend_from_slice(&row.generation.to_be_bytes());
        token.extend_from_slice(&bytes(hmac::sign(&self.refresh, &message)));
        format!("{REFRESH_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(token))
    }

    /// Whether a refresh token was made here for this session, now or earlier. Compares in constant time.
    pub fn is_real(&self, token: &RefreshToken, row: &SessionRow) -> bool {
        let message = refresh_message(token.session_id, row, token.generation);
        hmac::verify(&self.refresh, &message, &token.mac).is_ok()
    }

    /// The token of an invite link. It is kept nowhere: it can be made again as often as it is wanted.
    pub fn invite_token(&self, id: InviteId) -> String {
        let token = [&id.0.as_bytes()[..], &self.invite_mac(id)[..16]].concat();
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// The invite link of which this is the token; none if it was not made here. Compares in constant time.
    pub fn invite(&self, token: &str) -> Option<InviteId> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let bytes: [u8; INVITE_BYTES] = bytes.try_into().ok()?;
        let (id, mac) = bytes.split_at(16);
        let id = InviteId(Uuid::from_slice(id).ok()?);
        let whole = self.invite_mac(id);
        let mut given = whole;
        given[..16].copy_from_slice(mac);
        is_same_hash(given, whole).then_some(id)
    }

    fn invite_mac(&self, id: InviteId) -> [u8; 32] {
        bytes(hmac::sign(&self.invites, id.0.as_bytes()))
    }

    /// The one link that makes an operator of a database, always the same until it is used.
    pub fn operator_token(&self, incarnation: &str) -> String {
        let mac = hmac::sign(&self.links, format!("operator {incarnation}").as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(mac.as_ref())
    }

    /// Whether somebody has that link. Compares in constant time.
    pub fn is_operator_token(&self, incarnation: &str, token: &str) -> bool {
        let message = format!("operator {incarnation}");
        BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|mac| hmac::verify(&self.links, message.as_bytes(), &mac).is_ok())
    }

    /// Seals what only servers with this secret read again.
    ///
    /// # Panics
    /// Never: what is sealed here is short.
    pub fn seal(&self, what: &str, plain: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let seed = entropy.seed().to_be_bytes();
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&seed[..NONCE_LEN]);
        let mut sealed = plain.to_vec();
        let aad = Aad::from(what.as_bytes());
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed)
            .expect("it is short");
        [&nonce[..], &sealed].concat()
    }

    /// Opens it; none if it was sealed with another secret, or as something else.
    pub fn open(&self, what: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut plain = sealed.to_vec();
        let aad = Aad::from(what.as_bytes());
        let length = self
            .sealing
            .open_in_place(nonce, aad, &mut plain)
            .ok()?
            .len();
        plain.truncate(length);
        Some(plain)
    }
}

/// Of what a refresh token is the MAC.
fn refresh_message(id: SessionId, row: &SessionRow, generation: u64) -> Vec<u8> {
    [&id.0.as_bytes()[..], &row.salt, &generation.to_be_bytes()].concat()
}

fn bytes(tag: hmac::Tag) -> [u8; 32] {
    tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use semel_core::sign_in::IdentityKind;
    use semel_protocol::{Timestamp, UserId};

    use super::*;
    use crate::world::SystemEntropy;

    fn session() -> SessionRow {
        SessionRow {
            user_id: UserId::parse("ann").unwrap(),
            kind: IdentityKind::Phone,
            device_id: None,
            device_name: None,
            salt: [3; 16],
            generation: 7,
            rotated_at: Timestamp(0),
            created_at: Timestamp(0),
            expires_at: Timestamp(0),
            revoked_at: None,
        }
    }

    #[test]
    fn a_refresh_token_is_real_for_its_session_and_secret_only() {
        let (secrets, id) = (Secrets::new(b"one"), SessionId(Uuid::from_u128(5)));
        let text = secrets.refresh_token(id, &session());
        let token = RefreshToken::parse(&text).unwrap();
        assert_eq!((token.session_id, token.generation), (id, 7));
        assert!(secrets.is_real(&token, &session()));
        assert!(!Secrets::new(b"two").is_real(&token, &session()));
        let other = SessionRow {
            salt: [4; 16],
            ..session()
        };
        assert!(!secrets.is_real(&token, &other));
        let later = RefreshToken {
            generation: 8,
            ..token
        };
        assert!(!secrets.is_real(&later, &session()));
        for bad in [
            "",
            "semel_rt_",
            "semel_rt_AAAA",
            &text[9..],
            &format!("{text}A"),
        ] {
            assert_eq!(RefreshToken::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn p_invite_1_the_token_of_a_link_is_real_for_its_id_and_secret_only() {
        let (secrets, id) = (Secrets::new(b"one"), InviteId(Uuid::from_u128(5)));
        let token = secrets.invite_token(id);
        assert_eq!(secrets.invite(&token), Some(id));
        assert_eq!(Secrets::new(b"two").invite(&token), None);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert_eq!(bytes.len(), INVITE_BYTES);
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_eq!(
                secrets.invite(&BASE64_URL_SAFE_NO_PAD.encode(other)),
                None,
                "{at}"
            );
        }
        for bad in ["", &token[1..], &format!("{token}A"), &format!("{token}=")] {
            assert_eq!(secrets.invite(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_as_the_same_thing() {
        let secrets = Secrets::new(b"one");
        let sealed = secrets.seal("a", b"words", &SystemEntropy);
        assert!(!sealed.windows(5).any(|part| part == b"words"));
        assert_eq!(secrets.open("a", &sealed).as_deref(), Some(&b"words"[..]));
        assert_eq!(secrets.open("b", &sealed), None);
        assert_eq!(Secrets::new(b"two").open("a", &sealed), None);
        assert_eq!(secrets.open("a", &sealed[..11]), None);
    }

    #[test]
    fn a_code_counts_with_its_challenge_only() {
        let secrets = Secrets::new(b"one");
        let hash = |id, code| secrets.code_hash(ChallengeId(Uuid::from_u128(id)), code);
        assert_eq!(hash(1, "123456"), hash(1, "123456"));
        assert_ne!(hash(1, "123456"), hash(2, "123456"));
        assert_ne!(hash(1, "123456"), hash(1, "123457"));
    }
}
