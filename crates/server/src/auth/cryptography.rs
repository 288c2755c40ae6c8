//! The cryptography of access tokens: HMAC with SHA-256 for what shares a secret, Ed25519 for what this server signs, and the
//! public keys of others. Nothing else is there to be chosen by a token.

use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
};
use ring::signature::{
    self as ring_signature, Ed25519KeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::Sha256;
use signature::{Error, Signer, Verifier};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key: &EncodingKey| match (algorithm, key.family()) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => Ok(Box::new(Ed25519::new(key.as_bytes())?)),
        _ => Ok(Box::new(Hs256::new(
            *algorithm,
            key.family(),
            key.as_bytes(),
        )?)),
    },
    verifier_factory: |algorithm, key: &DecodingKey| match key.family() {
        AlgorithmFamily::Hmac => Ok(Box::new(Hs256::new(
            *algorithm,
            key.family(),
            key.try_get_as_bytes()?,
        )?)),
        _ => Ok(Box::new(Public::new(*algorithm, key)?)),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes this the process's cryptography for tokens, and ring that of its TLS. The second call finds both there.
pub(super) fn install() {
    let _ = PROVIDER.install_default();
    let _ = rustls::crypto::ring::default_provider().install_default();
}

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: Algorithm, family: AlgorithmFamily, secret: &[u8]) -> Result<Self> {
        if algorithm != Algorithm::HS256 || family != AlgorithmFamily::Hmac {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }

    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.mac(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        // Compares in constant time.
        self.mac(message)
            .verify_slice(signature)
            .map_err(|_| Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct Ed25519(Ed25519KeyPair);

impl Ed25519 {
    fn new(pkcs8: &[u8]) -> Result<Self> {
        Ed25519KeyPair::from_pkcs8(pkcs8)
            .map(Self)
            .map_err(|_| ErrorKind::InvalidKeyFormat.into())
    }
}

impl Signer<Vec<u8>> for Ed25519 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Ed25519 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

/// Somebody's public key, for one algorithm.
struct Public {
    name: Algorithm,
    key: UnparsedPublicKey<Vec<u8>>,
}

impl Public {
    fn new(name: Algorithm, key: &DecodingKey) -> Result<Self> {
        let algorithm: &'static dyn VerificationAlgorithm = match (name, key.family()) {
            (Algorithm::EdDSA, AlgorithmFamily::Ed) => &ring_signature::ED25519,
            (Algorithm::ES256, AlgorithmFamily::Ec) => &ring_signature::ECDSA_P256_SHA256_FIXED,
            (Algorithm::ES384, AlgorithmFamily::Ec) => &ring_signature::ECDSA_P384_SHA384_FIXED,
            (Algorithm::RS256, AlgorithmFamily::Rsa) => &ring_signature::RSA_PKCS1_2048_8192_SHA256,
            (Algorithm::RS512, AlgorithmFamily::Rsa) => &ring_signature::RSA_PKCS1_2048_8192_SHA512,
            (Algorithm::PS256, AlgorithmFamily::Rsa) => &ring_signature::RSA_PSS_2048_8192_SHA256,
            _ => return Err(ErrorKind::InvalidAlgorithm.into()),
        };
        let bytes = key.try_get_as_bytes()?.to_vec();
        Ok(Self {
            name,
            key: UnparsedPublicKey::new(algorithm, bytes),
        })
    }
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = self.key.verify(message, signature);
        verified.map_err(|_| Error::new())
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        self.name
    }
}
