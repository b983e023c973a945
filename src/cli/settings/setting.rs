use super::{Settings, number};
use crate::cli::{log, time};
use foregather::{
    limits::{LimitRow, Limits},
    server::DEFAULT_PORT,
};
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

/// Threads beyond any machine's; each takes memory and files.
const MAX_THREADS: usize = 1_024;

/// One thing that can be set.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    Listen,
    Threads,
    Advertise,
    LimitPrivateAddresses,
    State,
    StateWait,
    Log,
    LogFormat,
    Limit(&'static LimitRow),
}

/// How a value is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Number,
    Switch,
}

impl Setting {
    /// The section of a file that holds the limits.
    pub(super) const LIMITS: &str = "limits";

    /// Every setting, the limits last.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [
            Self::Listen,
            Self::Threads,
            Self::Advertise,
            Self::LimitPrivateAddresses,
            Self::State,
            Self::StateWait,
            Self::Log,
            Self::LogFormat,
        ]
        .into_iter()
        .chain(Limits::TABLE.iter().map(Self::Limit))
    }

    /// Its name as a file has it; flags and variables are made from it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Threads => "threads",
            Self::Advertise => "advertise",
            Self::LimitPrivateAddresses => "limit_private_addresses",
            Self::State => "state",
            Self::StateWait => "state_wait",
            Self::Log => "log",
            Self::LogFormat => "log_format",
            Self::Limit(row) => row.name,
        }
    }

    /// The section of a file that it stands in.
    pub(super) fn section(self) -> Option<&'static str> {
        matches!(self, Self::Limit(_)).then_some(Self::LIMITS)
    }

    /// Its name in a file with its section: `limits.frame_bytes`.
    pub(super) fn path(self) -> String {
        match self.section() {
            Some(section) => format!("{section}.{}", self.name()),
            None => self.name().into(),
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Listen | Self::Advertise | Self::State | Self::StateWait | Self::Log | Self::LogFormat => Shape::Text,
            Self::Threads | Self::Limit(_) => Shape::Number,
            Self::LimitPrivateAddresses => Shape::Switch,
        }
    }

    /// What help calls its value.
    pub(super) fn placeholder(self) -> &'static str {
        match self {
            Self::Listen => "ADDR",
            Self::Threads | Self::Limit(_) => "N",
            Self::Advertise => "IP",
            Self::LimitPrivateAddresses => "true|false",
            Self::State => "FILE",
            Self::StateWait => "TIME",
            Self::Log => "FILTER",
            Self::LogFormat => "text|json",
        }
    }

    /// What it is for, with its default.
    pub(super) fn help(self) -> String {
        match self {
            Self::Listen => format!("Where to listen [default: 0.0.0.0:{DEFAULT_PORT}]; port 0 takes any that is free"),
            Self::Threads => {
                let threads = Settings::default().server.threads;
                format!("Threads that serve [default: {threads}]")
            }
            Self::Advertise => "The address that peers on this very machine are given out with \
                                [default: its first LAN address]"
                .into(),
            Self::LimitPrivateAddresses => {
                "Bound what comes from one address also if that is loopback or private".into()
            }
            Self::State => "Where games, registrations and sessions are kept for the server's next start [default: \
                            nowhere]; made if there is no such file"
                .into(),
            Self::StateWait => "For how long to wait for another server that has that file to end [default: 60s]; 0s: \
                                not at all"
                .into(),
            Self::Log => format!("What to note on stderr [default: info]: {}", log::Filter::ACCEPTED),
            Self::LogFormat => "How to note it [default: text]".into(),
            Self::Limit(row) => format!("{} [default: {}; {} to {}]", row.doc.trim(), row.default, row.min, row.max),
        }
    }

    /// Sets it to what `text` says.
    ///
    /// # Errors
    /// What is accepted.
    pub(super) fn set(self, settings: &mut Settings, text: &str) -> Result<(), String> {
        match self {
            Self::Listen => settings.server.listen = socket_address(text)?,
            Self::Threads => settings.server.threads = number::parse(text, 1, MAX_THREADS)?,
            Self::Advertise => settings.server.advertise = Some(host_address(text)?),
            Self::LimitPrivateAddresses => settings.server.limit_private_addresses = switch(text)?,
            Self::State => settings.server.state = Some(file(text)?),
            Self::StateWait => {
                settings.server.state_wait =
                    time::parse(text).map_err(|accepted| format!("{text:?} is not accepted; {accepted}"))?;
            }
            Self::Log => settings.log = log::Filter::parse(text)?,
            Self::LogFormat => settings.log_format = log::Format::parse(text)?,
            Self::Limit(row) => {
                let limit = settings.server.limits.by_name(row.name).expect("TABLE names fields only");
                *limit = number::parse(text, row.min, row.max)?;
            }
        }
        Ok(())
    }

    /// What it is set to; `None` if that is decided when the server starts.
    pub(super) fn value(self, settings: &Settings) -> Option<Value> {
        Some(match self {
            Self::Listen => settings.server.listen.to_string().into(),
            Self::Threads => settings.server.threads.into(),
            Self::Advertise => settings.server.advertise?.to_string().into(),
            Self::LimitPrivateAddresses => settings.server.limit_private_addresses.into(),
            Self::State => settings.server.state.as_ref()?.display().to_string().into(),
            Self::StateWait => match settings.server.state_wait.as_millis() {
                millis if millis % 1_000 == 0 => format!("{}s", millis / 1_000).into(),
                millis => format!("{millis}ms").into(),
            },
            Self::Log => settings.log.as_str().into(),
            Self::LogFormat => settings.log_format.as_str().into(),
            Self::Limit(row) => {
                let mut limits = settings.server.limits.clone();
                (*limits.by_name(row.name).expect("TABLE names fields only")).into()
            }
        })
    }
}

/// `IP:PORT`, or one of both: any address, or the usual port.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let port_only = || text.strip_prefix(':')?.parse().ok().map(|port: u16| (Ipv4Addr::UNSPECIFIED, port).into());
    let host_only = || host_address(text).ok().map(|host| (host, DEFAULT_PORT).into());
    text.parse().ok().or_else(port_only).or_else(host_only).ok_or_else(|| {
        format!("{text:?} is not accepted; use an IP address and a port: 0.0.0.0:{DEFAULT_PORT}, [::]:{DEFAULT_PORT}")
    })
}

fn host_address(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| format!("{text:?} is not accepted; use an IP address: 192.168.1.5, 2001:db8::5"))
}

fn file(text: &str) -> Result<PathBuf, String> {
    Some(text).filter(|text| !text.is_empty()).map(Into::into).ok_or_else(|| "it is empty; name a file".into())
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is not accepted; use true or false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_host_or_port() {
        for (text, address) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            (":80", "0.0.0.0:80"),
            ("127.0.0.1", "127.0.0.1:7638"),
            ("::", "[::]:7638"),
            ("[::]", "[::]:7638"),
        ] {
            assert_eq!(socket_address(text).map(|address| address.to_string()).as_deref(), Ok(address), "{text}");
        }
        for bad in ["", ":", "localhost", "127.0.0.1:", "127.0.0.1:65536", "1.2.3", "[::1", "7638"] {
            assert!(socket_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_limit_has_the_name_of_another_setting() {
        let mut names: Vec<_> = Setting::all().map(Setting::name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }
}
