//! The server that a client command talks to.

use super::{
    exit::{Exit, Failure},
    log,
    output::printable,
};
use foregather::{
    client::{Client, ClientError, ClientOptions},
    server::DEFAULT_PORT,
};
use std::{env, fmt, net::IpAddr, time::Duration};

/// Names the server where `--server` does not.
pub const VARIABLE: &str = "FOREGATHER_SERVER";

const DEFAULT_HOST: &str = "127.0.0.1";

/// Client commands note only what is wrong unless they are asked for more: what
/// they find out is on standard output.
const DEFAULT_LOG: &str = "warn";

/// Which server, and what to note of the talk with it.
#[derive(Debug, clap::Args)]
pub struct Remote {
    /// The server [default: $FOREGATHER_SERVER, else 127.0.0.1:7638]; the port may be left out
    #[arg(long, value_name = "HOST[:PORT]")]
    server: Option<String>,
    /// What to note on stderr [default: $FOREGATHER_LOG, else warn]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
}

impl Remote {
    /// Begins to note as asked, and says where the server is.
    ///
    /// # Errors
    /// If a flag or variable cannot be used.
    pub fn prepare(&self) -> Result<Place, Failure> {
        let (name, filter) = given(self.log.as_deref(), "--log", &super::settings::variable("log"))
            .unwrap_or_else(|| ("--log".into(), DEFAULT_LOG.into()));
        let filter = log::Filter::parse(&filter).map_err(|fault| unusable(&name, &fault))?;
        log::init(&filter, log::Format::Text)?;

        match given(self.server.as_deref(), "--server", VARIABLE) {
            Some((name, text)) => Place::parse(&text).map_err(|fault| unusable(&name, &fault)),
            None => Ok(Place { host: DEFAULT_HOST.into(), port: DEFAULT_PORT }),
        }
    }
}

/// The value of a flag or else of a variable, with the name that it goes by.
fn given(flag: Option<&str>, flag_name: &str, variable: &str) -> Option<(String, String)> {
    let from_flag = flag.map(|text| (flag_name.into(), text.into()));
    from_flag.or_else(|| Some((variable.into(), env::var_os(variable)?.to_string_lossy().into_owned())))
}

fn unusable(name: &str, fault: &str) -> Failure {
    Failure::new(Exit::Usage, format!("{name}: {fault}"))
}

impl Place {
    /// Reads `host`, `host:port`, or an address of either kind with or without a port.
    ///
    /// # Errors
    /// What is accepted.
    fn parse(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.parse::<IpAddr>().is_ok() {
            return Ok(Self { host: bare.into(), port: DEFAULT_PORT });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok().filter(|&port| port != 0)),
            None => (text, Some(DEFAULT_PORT)),
        };
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').filter(|host| host.parse::<IpAddr>().is_ok()).unwrap_or_default(),
            None => host,
        };
        let is_name = |host: &str| !host.is_empty() && !host.contains(['/', ' ', '[', ']']);
        let is_address_or_name = |host: &str| host.parse::<IpAddr>().is_ok() || (is_name(host) && !host.contains(':'));
        port.filter(|_| is_address_or_name(host)).map(|port| Self { host: host.into(), port }).ok_or_else(|| {
            format!("{text:?} is not accepted; use a host, with a port if it is not {DEFAULT_PORT}: 192.168.1.5:7638")
        })
    }
}

impl Place {
    /// A connection to the server that is there, for one question.
    ///
    /// # Errors
    /// If there is none to be had.
    pub async fn client(&self) -> Result<Client, Failure> {
        self.client_for(Duration::ZERO).await
    }

    /// A client of the server that is there, which tries for so long to connect
    /// again when its connection is lost.
    ///
    /// # Errors
    /// If there is no connection to be had now.
    pub async fn client_for(&self, reconnect: Duration) -> Result<Client, Failure> {
        let agent = concat!("foregather/", env!("CARGO_PKG_VERSION"));
        Ok(ClientOptions::new().agent(agent).reconnect_for(reconnect).connect(self).await?)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match error {
            _ if error.refusal().is_some() => Exit::Refused,
            ClientError::Invalid(_) => Exit::Usage,
            ClientError::TooMany { .. } => Exit::System,
            ClientError::Deadline { .. } | ClientError::ReceiverLeft { .. } => Exit::NoAnswer,
            ClientError::Protocol(_) => Exit::Nonsense,
            // Connections that are not to be had or lost, and what a later library
            // tells apart.
            _ => Exit::Unreachable,
        };
        Self::new(exit, printable(&error.to_string()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_perhaps_a_port() {
        for (text, place) in [
            ("192.0.2.1", "192.0.2.1:7638"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("play.example", "play.example:7638"),
            ("play.example:80", "play.example:80"),
            ("::1", "[::1]:7638"),
            ("[::1]", "[::1]:7638"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(Place::parse(text).map(|place| place.to_string()).as_deref(), Ok(place), "{text}");
        }
        for bad in ["", ":80", "a:", "a:0", "a:b", "a:65536", "a:b:80", "[a]:80", "[::1", "http://a", "a b"] {
            assert!(Place::parse(bad).is_err(), "{bad}");
        }
    }
}
