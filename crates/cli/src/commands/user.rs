//! `semel user`: people, through the server when one runs, else in the database itself.

use std::process::ExitCode;

use semel_client::{Api, ApiError};
use semel_protocol::{
    Code, UserId,
    user::{ProfileChange, User},
};
use semel_server::{
    auth::Scope,
    config::Config,
    serve::{self, ServerFile},
};

use super::{Failure, Outcome, block_on, health, token};
use crate::{args::UserCommand, output};

/// In whose name: a person like others, made when the command is used for the first time.
const OPERATOR: &str = "operator";

/// Adds or shows a person.
pub(crate) fn run(config: &Config, command: UserCommand) -> Outcome {
    let (user_id, change) = match command {
        UserCommand::Add {
            user,
            name,
            about,
            picture,
        } => (
            user,
            Some(ProfileChange {
                display_name: name,
                about,
                picture,
            }),
        ),
        UserCommand::Show { user } => (user, None),
    };
    let user = block_on(find_or_change(config, &user_id, change))??;
    let json = serde_json::to_string_pretty(&user)
        .map_err(|error| Failure::because("cannot show the person", &error))?;
    output::result(json);
    Ok(ExitCode::SUCCESS)
}

async fn find_or_change(
    config: &Config,
    user_id: &UserId,
    change: Option<ProfileChange>,
) -> Result<User, Failure> {
    if let Some(url) = running_server(config).await? {
        return call(config, &url, user_id, change).await;
    }
    let is_there = config.postgres.is_some() || config.database_dir.join("semel.db").exists();
    if change.is_none() && !is_there {
        // Looking makes nothing.
        return Err(Failure::new(format!(
            "there is no database in {}; make {user_id} there with `semel user add {user_id}`, or choose another \
             with --data-dir",
            config.database_dir.display()
        )));
    }
    token::need_secret(config)?;
    // None runs: one for this moment, so that there is one way to do it.
    let running = serve::start(config.for_a_moment())
        .await
        .map_err(|error| Failure::because("cannot open the database", &error))?;
    let answer = call(config, &running.url(), user_id, change).await;
    running.stop().await;
    answer
}

/// The address of the server that runs on the data directory, if it answers.
async fn running_server(config: &Config) -> Result<Option<String>, Failure> {
    let file = ServerFile::read(&config.data_dir)
        .map_err(|error| Failure::because("cannot read the data directory", &error))?;
    let Some(file) = file else { return Ok(None) };
    Ok(health::answers(&file.url).await.then_some(file.url))
}

async fn call(
    config: &Config,
    url: &str,
    user_id: &UserId,
    change: Option<ProfileChange>,
) -> Result<User, Failure> {
    let operator = UserId::parse(OPERATOR).expect("a legal id");
    let token = token::sign(config, &operator, None, Scope::Operator, 1)?;
    let address = url.parse().map_err(|error| Failure::because(url, &error))?;
    let api = Api::new(address, &token);
    let reply = match &change {
        Some(change) => api.upsert_user(user_id, change).await,
        None => api.user(user_id).await,
    };
    match reply {
        Ok(reply) => Ok(reply.data.user),
        Err(error) => Err(refused(user_id, &error)),
    }
}

fn refused(user_id: &UserId, error: &ApiError) -> Failure {
    match error.problem() {
        Some(problem) if problem.code == Code::NotFound => Failure::new(format!(
            "{user_id} is not known; make them with `semel user add {user_id}`"
        )),
        Some(problem) if problem.code == Code::Unauthenticated => Failure::new(
            "the server does not take this data directory's tokens; was it started with another \
             JWT_SECRET_KEY?",
        ),
        Some(problem) if !problem.errors.is_empty() => {
            let fields = problem.errors.iter().map(|field| {
                format!(
                    "{}: {}",
                    field.pointer.trim_start_matches('/'),
                    field.detail
                )
            });
            Failure::new(fields.collect::<Vec<_>>().join("\n"))
        }
        _ => Failure::because("the server did not do it", error),
    }
}
