//! `outis rpc`: JSON-RPC 2.0, one object a line, on standard input and output.

mod answer;
mod lines;
mod methods;
mod pipes;

use crate::{arguments::Rpc, stop::Stop};
use answer::Answer;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use lines::{Line, Lines};
use outis_app::{App, Config, Error, ErrorCode, RelayConfig};
use pipes::{Input, Output};
use std::{io, sync::Arc};

/// Requests that are worked on at once; further lines wait in the pipe.
const AT_ONCE: usize = 64;

/// Runs until standard input ends or a signal asks to stop.
pub(crate) async fn run(arguments: Rpc) -> Result<(), Error> {
    let mut stop = Stop::listen().map_err(Error::internal)?;
    let app = Arc::new(App::start(config(arguments)?).await?);
    let mut output = Output::open().map_err(Error::internal)?;
    let served = serve(&app, &mut stop, &mut output).await;
    app.shutdown().await;
    served.map_err(Error::internal)?;
    output.end().await.map_err(Error::internal)
}

async fn serve(app: &Arc<App>, stop: &mut Stop, output: &mut Output) -> io::Result<()> {
    let mut lines = Lines::new(Input::open()?);
    let mut events = app.events();
    let mut working: FuturesUnordered<BoxFuture<'static, Option<Answer>>> = FuturesUnordered::new();
    loop {
        let answer = tokio::select! {
            () = stop.asked() => return Ok(()),
            event = events.next() => Some(Answer::event(&event)),
            Some(answer) = working.next() => answer,
            line = lines.next(), if working.len() < AT_ONCE => match line? {
                Line::End => return Ok(()),
                Line::TooLong => Some(Answer::too_long()),
                Line::Text(line) => {
                    // Begun here and now, so that what is quick happens in the order of the lines.
                    let mut work = methods::handle(Arc::clone(app), line).boxed();
                    match futures::poll!(&mut work) {
                        std::task::Poll::Ready(answer) => answer,
                        std::task::Poll::Pending => {
                            working.push(work);
                            None
                        }
                    }
                }
            },
        };
        if let Some(answer) = answer {
            output.write(answer.into_line()).await?;
        }
    }
}

fn config(arguments: Rpc) -> Result<Config, Error> {
    if arguments.mdns {
        return Err(Error::new(
            ErrorCode::InvalidParams,
            "looking for relays by mDNS is not built yet",
        ));
    }
    let relay = if arguments.relay {
        Some(RelayConfig::listening(&arguments.listen)?)
    } else {
        None
    };
    let config = Config::new(
        arguments.data_dir,
        &arguments.network.network,
        &arguments.network.bootstrap,
    )?;
    Ok(config.with_relay(relay))
}
