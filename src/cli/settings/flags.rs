use super::{Given, Layer, Setting, setting::Shape};
use clap::{Arg, ArgMatches, Command, value_parser};
use std::path::PathBuf;

const CONFIG: &str = "config";

/// The flags that configure the server, made from the table of settings. Their
/// values are read later, with those of the other layers.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub(super) config: Option<(String, PathBuf)>,
    pub(super) layer: Layer,
}

fn long(setting: Setting) -> String {
    setting.name().replace('_', "-")
}

fn arg(setting: Setting) -> Arg {
    let arg = Arg::new(setting.name())
        .long(long(setting))
        .value_name(setting.placeholder())
        .help(setting.help())
        .allow_hyphen_values(true);
    let arg = match setting.shape() {
        // The flag alone turns it on; `=false` turns off what a file turned on.
        Shape::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        Shape::Text | Shape::Number => arg,
    };
    match setting {
        Setting::Limit(_) => arg.help_heading("Limits").hide_short_help(true),
        _ => arg,
    }
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new(CONFIG)
            .long(CONFIG)
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("A TOML file of settings; `foregather config` prints one");
        command
            .args(Setting::all().filter(|setting| setting.section().is_none()).map(arg))
            .arg(config)
            .args(Setting::all().filter(|setting| setting.section().is_some()).map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Setting::all().filter_map(|setting| {
            let text = matches.get_one::<String>(setting.name())?.clone();
            Some(Given { setting, name: format!("--{}", long(setting)), text })
        });
        let config = matches.get_one::<PathBuf>(CONFIG).map(|path| (format!("--{CONFIG}"), path.clone()));
        Ok(Self { config, layer: Layer { given: given.collect(), ..Layer::default() } })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
