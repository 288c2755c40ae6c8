//! Calls about the caller's profile, and about finding people.

use semel_core::{
    Refusal,
    actions::{Action, ChangeFindability, ChangeHandle, FindPerson, SoughtBy, sign_in::Budget},
    handle, queries,
};
use semel_protocol::{
    limits::{FINDS_PER_ADDRESS_DAY_MAX, FINDS_PER_PERSON_DAY_MAX},
    user::{Find, FindResult, FindabilityChange, FindabilityResult, HandleChange, UserResult},
};

use super::{parts::Parts, route::Ask};
use crate::{
    auth::Caller,
    convert::{self, Data, Success},
    sign_in::phone,
};

const DAY_MS: i64 = 86_400_000;

/// Takes a handle, or gives it up.
#[utoipa::path(put, path = "/api/users/me/handle", tag = "people",
    request_body = HandleChange,
    responses((status = 200, description = "The caller as they are now.", body = Success<UserResult>)))]
pub(super) fn change_handle(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let change: HandleChange = parts.json()?;
    let text = Some(change.handle.as_str()).filter(|text| !text.is_empty());
    let handle = text.map(|text| handle("/handle", text)).transpose()?;
    Ok(ChangeHandle { handle }.into())
}

/// By what, and by whom, the caller may be found.
#[utoipa::path(get, path = "/api/users/me/findability", tag = "people",
    responses((status = 200, description = "As it is now.", body = Success<FindabilityResult>)))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "all routes of the table look alike"
)]
pub(super) fn get_findability(caller: &Caller, _: &Parts) -> Result<Ask, Refusal> {
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let row = queries::findability(rows, &who)?;
        Ok(Data::Findability(FindabilityResult {
            findability: convert::findability(row),
        }))
    }))
}

/// Changes by what, and by whom, the caller may be found. What is left out stays as it is.
#[utoipa::path(patch, path = "/api/users/me/findability", tag = "people",
    request_body = FindabilityChange,
    responses((status = 200, description = "As it is now.", body = Success<FindabilityResult>)))]
pub(super) fn change_findability(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let change: FindabilityChange = parts.json()?;
    let action = ChangeFindability {
        handle: change.handle,
        phone: change.phone,
        email: change.email,
    };
    Ok(action.into())
}

/// Finds the one person with a handle, a phone number or an e-mail address, if they let the caller find them by it. The
/// answer is the same for nobody and for somebody who does not.
#[utoipa::path(post, path = "/api/users/find", tag = "people",
    request_body = Find,
    responses((status = 200, description = "The person, or nobody.", body = Success<FindResult>)))]
pub(super) fn find(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let by = sought_by(&parts.json()?)?;
    let budget = |name: String, max| Budget {
        name,
        max,
        period_ms: DAY_MS,
    };
    let (who, address) = (&caller.user_id, parts.address_text());
    let budgets = vec![
        budget(format!("finds of {who}"), FINDS_PER_PERSON_DAY_MAX),
        budget(format!("finds from {address}"), FINDS_PER_ADDRESS_DAY_MAX),
    ];
    Ok(FindPerson { by, budgets }.into())
}

fn sought_by(find: &Find) -> Result<SoughtBy, Refusal> {
    if find.country.is_some() && find.phone.is_none() {
        let detail = "this goes with `phone` only";
        return Err(Refusal::invalid("/country", detail));
    }
    match (&find.handle, &find.phone, &find.email) {
        (Some(text), None, None) => handle("/handle", text).map(SoughtBy::Handle),
        (None, Some(text), None) => {
            phone::any_number("/phone", text, find.country.as_deref()).map(SoughtBy::Phone)
        }
        (None, None, Some(text)) => phone::address("/email", text).map(SoughtBy::Email),
        _ => {
            let detail = "exactly one of `handle`, `phone` and `email`";
            Err(Refusal::invalid("", detail))
        }
    }
}
