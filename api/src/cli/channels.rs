//! Options of `serve` that say how messages go out. Secrets come from files or the environment, never from an option:
//! the list of processes is public.

use crate::messages::sms::{SmsCommand, SmsGateway};
use crate::messages::smtp::{Smtp, SmtpOptions};
use crate::messages::{Channel, MessageOptions};
use anyhow::Context as _;
use booking_domain::phi::Phi;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How messages go out.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Channels {
    /// SMTP server for e-mail: smtps://host, or smtp://host (with STARTTLS); smtp://host?tls=none sends in the clear.
    #[arg(long, env = "CLINIC_BOOKING_SMTP_URL", requires = "mail_from", requires = "public_url")]
    smtp_url: Option<String>,
    /// Name to sign in with at the SMTP server.
    #[arg(long, env = "CLINIC_BOOKING_SMTP_USER", requires = "smtp_url")]
    smtp_user: Option<String>,
    /// File with the password for the SMTP server.
    #[arg(long, env = "CLINIC_BOOKING_SMTP_PASSWORD_FILE", requires = "smtp_user")]
    smtp_password_file: Option<PathBuf>,
    /// Address that e-mail is sent from.
    #[arg(long, env = "CLINIC_BOOKING_MAIL_FROM")]
    mail_from: Option<String>,
    /// File with a certificate authority to trust besides the machine's own, in PEM, for an SMTP server of the house.
    #[arg(long, env = "CLINIC_BOOKING_SMTP_CA_FILE", requires = "smtp_url")]
    smtp_ca_file: Option<PathBuf>,
    /// Command that sends one SMS: JSON on its standard input; exit code 0 sent, 65 number refused, else try again.
    #[arg(long, env = "CLINIC_BOOKING_SMS_COMMAND", requires = "public_url", conflicts_with = "sms_url")]
    sms_command: Option<String>,
    /// Gateway that takes one SMS as posted JSON: 2xx sent; 400, 404, 410, 422 number refused, else try again.
    #[arg(long, env = "CLINIC_BOOKING_SMS_URL", requires = "public_url")]
    sms_url: Option<String>,
    /// File with the bearer token for the gateway.
    #[arg(long, env = "CLINIC_BOOKING_SMS_TOKEN_FILE", requires = "sms_url")]
    sms_token_file: Option<PathBuf>,
    /// Where patients reach this server, such as https://rendez-vous.example.ca: links in messages, the portal's link, its
    /// QR code and snippets, and invitations begin with it.
    #[arg(long, env = "CLINIC_BOOKING_PUBLIC_URL")]
    pub(super) public_url: Option<String>,
}

impl Channels {
    /// Reads the options and the files that they name.
    pub(super) fn options(&self) -> anyhow::Result<MessageOptions> {
        let email = match (&self.smtp_url, &self.mail_from) {
            (Some(url), Some(from)) => {
                let password = match &self.smtp_password_file {
                    Some(file) => Some(secret(file)?),
                    None => None,
                };
                let user = self.smtp_user.clone();
                let authority = match &self.smtp_ca_file {
                    Some(file) => {
                        Some(std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?)
                    }
                    None => None,
                };
                let options = SmtpOptions { url: url.clone(), user, password, from: from.clone(), authority };
                Some(Arc::new(Smtp::new(&options)?) as Arc<dyn Channel>)
            }
            _ => None,
        };
        let sms = match (&self.sms_command, &self.sms_url) {
            (Some(command), _) => Some(Arc::new(SmsCommand::new(command.clone())) as Arc<dyn Channel>),
            (None, Some(url)) => {
                let token = self.sms_token_file.as_deref().map(secret).transpose()?;
                Some(Arc::new(SmsGateway::new(url, token)?) as Arc<dyn Channel>)
            }
            (None, None) => None,
        };
        Ok(MessageOptions {
            email,
            sms,
            public_url: self.public_url()?.unwrap_or_default(),
            ..MessageOptions::default()
        })
    }

    fn public_url(&self) -> anyhow::Result<Option<String>> {
        let Some(url) = &self.public_url else { return Ok(None) };
        let parsed: reqwest::Url = url.parse().context("--public-url is not an address")?;
        let plain = parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty();
        anyhow::ensure!(
            matches!(parsed.scheme(), "http" | "https") && plain,
            "--public-url has the form https://host, without ? or #"
        );
        Ok(Some(url.trim_end_matches('/').to_owned()))
    }
}

/// The first line of a file. Its content is in no error message.
fn secret(file: &Path) -> anyhow::Result<Phi<String>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let first = text.lines().next().unwrap_or_default().to_owned();
    anyhow::ensure!(!first.is_empty(), "{} is empty", file.display());
    Ok(Phi::new(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_has_no_query_and_loses_its_last_slash() {
        let url = |url: &str| Channels { public_url: Some(url.to_owned()), ..Channels::default() }.public_url();
        assert_eq!(url("https://rv.example.ca/").unwrap().as_deref(), Some("https://rv.example.ca"));
        for bad in ["rv.example.ca", "ftp://rv.example.ca", "https://rv.example.ca/?a=b", "https://rv.example.ca/#l"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
