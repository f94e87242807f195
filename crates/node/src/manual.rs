//! What the command line says of itself to shells and to `man`.

use crate::arguments::{Arguments, Completions, Manual};
use clap::CommandFactory;
use std::{
    fs,
    io::{self, Write},
};

/// Prints the completions for one shell.
pub(crate) fn completions(Completions { shell }: Completions) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "outis", &mut script);
    io::stdout().write_all(&script)
}

/// Writes `outis.1` and a page for each command, `outis-node.1` and so on.
pub(crate) fn write(Manual { dir }: Manual) -> io::Result<()> {
    fs::create_dir_all(&dir)?;
    clap_mangen::generate_to(Arguments::command(), dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_that_names_each_of_its_options() {
        let dir = tempfile::tempdir().unwrap();
        let pages = dir.path().join("man1");
        write(Manual { dir: pages.clone() }).unwrap();
        let mut command = Arguments::command();
        command.build();
        for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
            let page = fs::read_to_string(pages.join(format!("outis-{}.1", part.get_name()))).unwrap();
            for option in part.get_arguments().filter_map(|argument| argument.get_long()) {
                let typeset = option.replace('-', "\\-");
                assert!(page.contains(&typeset), "{} of {}", option, part.get_name());
            }
        }
        assert!(
            fs::read_to_string(pages.join("outis.1"))
                .unwrap()
                .contains("outis\\-node")
        );
    }
}
