//! Phone numbers and addresses, in the one form in which they are stored.

use std::panic::catch_unwind;

use lettre::Address;
use phonenumber::{PhoneNumber, country::Id};
use semel_core::Refusal;

use super::settings::Phone;

/// Characters of a number as people write it.
const NUMBER_CHARACTERS_MAX: usize = 40;
/// Characters of an address (RFC 5321).
const ADDRESS_CHARACTERS_MAX: usize = 254;

/// A number as E.164: `+`, country, number. One to which codes are sent.
pub(super) fn number(text: &str, country: Option<&str>, phone: &Phone) -> Result<String, Refusal> {
    let number = parse("/to", text, country, phone.country)?;
    let home = number.country().id();
    let is_served =
        phone.countries.is_empty() || home.is_some_and(|home| phone.countries.contains(&home));
    if !is_served {
        let detail = "codes are not sent to this country; use a number of another one, or sign in another way";
        return Err(Refusal::invalid("/to", detail));
    }
    Ok(e164(&number))
}

/// Any number as E.164; `pointer` names the field for the refusal.
pub(crate) fn any_number(
    pointer: &str,
    text: &str,
    country: Option<&str>,
) -> Result<String, Refusal> {
    parse(pointer, text, country, None).map(|number| e164(&number))
}

fn e164(number: &PhoneNumber) -> String {
    number.format().mode(phonenumber::Mode::E164).to_string()
}

fn parse(
    pointer: &str,
    text: &str,
    country: Option<&str>,
    default: Option<Id>,
) -> Result<PhoneNumber, Refusal> {
    let invalid = || {
        let detail = "this is no phone number; write it with + and the country's code";
        Refusal::invalid(pointer, detail)
    };
    let is_plain = |c: char| c.is_ascii_digit() || "+-./() \u{a0}".contains(c);
    if text.chars().count() > NUMBER_CHARACTERS_MAX || !text.chars().all(is_plain) {
        return Err(invalid());
    }
    let country = match country {
        Some(text) => Some(text.to_ascii_uppercase().parse().map_err(|_| {
            Refusal::invalid("/country", "two letters of ISO 3166, for example DE")
        })?),
        None => default,
    };
    // Nothing that people type may end more than this request.
    let parsed = catch_unwind(|| phonenumber::parse(country, text)).ok();
    let number = parsed.and_then(Result::ok).filter(phonenumber::is_valid);
    number.ok_or_else(invalid)
}

/// An address in lower case; `pointer` names the field for the refusal.
pub(crate) fn address(pointer: &str, text: &str) -> Result<String, Refusal> {
    let text = text.trim().to_lowercase();
    let is_good = text.len() <= ADDRESS_CHARACTERS_MAX && text.parse::<Address>().is_ok();
    if !is_good {
        return Err(Refusal::invalid(pointer, "this is no e-mail address"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::PhoneSender;

    fn check(text: &str, country: Option<&str>) -> Option<String> {
        let phone = Phone {
            sender: PhoneSender::Terminal,
            country: None,
            countries: vec![Id::DE, Id::GB],
            daily_max: 1,
        };
        number(text, country, &phone).ok()
    }

    #[test]
    fn req_d2_a_number_has_one_form_however_it_is_written() {
        let one = Some("+493012345678".to_owned());
        for text in [
            "+49 30 12345678",
            "+49 (0)30 12345678",
            "+49-30-1234-5678",
            "0049 30 12345678",
        ] {
            let country = text.starts_with("00").then_some("DE");
            assert_eq!(check(text, country), one, "{text}");
        }
        assert_eq!(check("030 12345678", Some("de")), one);
        for text in [
            "",
            "+",
            "030 12345678",
            "+49",
            "12",
            "+4930123456781234567890",
            "+49 30 1234567x",
        ] {
            assert_eq!(check(text, None), None, "{text}");
        }
        assert_eq!(check("+1 202 456 1111", None), None, "another country");
    }

    #[test]
    fn an_address_has_one_form() {
        assert_eq!(
            address("/to", " Ann@Example.ORG ").ok().as_deref(),
            Some("ann@example.org")
        );
        for bad in [
            "",
            "ann",
            "@example.org",
            "a@b\r\nBcc: c@d",
            "a b@example.org",
        ] {
            assert!(address("/to", bad).is_err(), "{bad}");
        }
    }
}
