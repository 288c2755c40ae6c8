//! How people may sign in.

use crate::config::Secret;

/// How people may sign in.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// By phone, if at all.
    pub phone: Option<Phone>,
    /// By e-mail, if at all.
    pub email: Option<Email>,
    /// By providers.
    pub providers: Vec<ProviderSettings>,
    /// Where browsers find this server, without a slash at the end; none: where they say that it is.
    pub public_url: Option<String>,
}

/// Codes to phones.
#[derive(Clone, Debug)]
pub struct Phone {
    /// How they get there.
    pub sender: PhoneSender,
    /// How a number without `+` is read.
    pub country: Option<phonenumber::country::Id>,
    /// Where codes are sent to; empty: everywhere.
    pub countries: Vec<phonenumber::country::Id>,
    /// Codes of a day.
    pub daily_max: u64,
}

/// How codes get to phones.
#[derive(Clone, Debug)]
pub enum PhoneSender {
    /// To the terminal of this server.
    Terminal,
    /// By an SMS service with the form of Twilio's: `To`, `From`, `Body`, HTTP Basic.
    Sms {
        /// Where messages are posted.
        url: String,
        /// Who we are.
        user: String,
        /// Its password.
        password: Secret,
        /// Whom the message is from.
        from: String,
    },
    /// By a program of the operator's.
    Webhook {
        /// Where it takes messages.
        url: String,
        /// Signs them.
        secret: WebhookSecret,
    },
}

/// Signs what is posted to a webhook.
pub type WebhookSecret = Secret;

/// Codes by e-mail.
#[derive(Clone, Debug)]
pub struct Email {
    /// How they get there.
    pub sender: EmailSender,
    /// Codes of a day.
    pub daily_max: u64,
}

/// How codes get to addresses.
#[derive(Clone, Debug)]
pub enum EmailSender {
    /// To the terminal of this server.
    Terminal,
    /// By a mail server.
    Smtp {
        /// `smtp://` or `smtps://`, with name and password.
        url: Secret,
        /// Whom mail is from.
        from: String,
    },
}

/// An `OpenID` provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Names it in addresses.
    pub name: String,
    /// Its issuer, as it writes it.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// How we show it, if it asks.
    pub client_secret: Option<Secret>,
}

impl Settings {
    /// Whether anybody can sign in here.
    pub fn is_on(&self) -> bool {
        self.phone.is_some() || self.email.is_some() || !self.providers.is_empty()
    }
}
