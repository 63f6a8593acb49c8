//! The plumbing under every service: a port on loopback, hyper, a router.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use http::Method;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::traffic::{self, Traffic};

/// One service of the world, as the plumbing sees it.
#[derive(Clone)]
pub(crate) struct Service {
    /// Its name in log and faults, such as `pypi`.
    pub(crate) name: &'static str,
    /// What answers its requests.
    pub(crate) router: Router,
    /// Names what a request with this method and path asks for.
    pub(crate) endpoint: fn(&Method, &str) -> &'static str,
    /// Tells whether such a request is one that changes state.
    pub(crate) mutates: fn(&Method, &str) -> bool,
}

/// A port of 127.0.0.1 that is taken but not yet served.
pub(crate) struct Port {
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Takes `port`, or any free one.
    pub(crate) async fn take(port: Option<u16>) -> io::Result<Self> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let listener = TcpListener::bind(wanted).await.map_err(|error| {
            let message = format!("could not listen on {wanted}: {error}");
            io::Error::new(error.kind(), message)
        })?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns the URL of the service here, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The services that are being served; dropping it stops them.
#[derive(Default)]
pub(crate) struct Servers {
    tasks: JoinSet<()>,
}

impl Servers {
    /// Serves `service` on `port` under the rules of `traffic`.
    pub(crate) fn serve(&mut self, port: Port, service: Service, traffic: &Traffic) {
        let traffic = Some(traffic.clone());
        self.tasks.spawn(accept(port, Arc::new(service), traffic));
    }

    /// Serves `service` on `port`, neither logged nor spoiled.
    pub(crate) fn serve_unwatched(&mut self, port: Port, service: Service) {
        self.tasks.spawn(accept(port, Arc::new(service), None));
    }

    /// Stops all services and waits until their ports are free again.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits while the services run.
    pub(crate) async fn wait(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn accept(port: Port, service: Arc<Service>, traffic: Option<Traffic>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = port.listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, Arc::clone(&service), traffic.clone()));
                } else {
                    // Too many open files: the ones in use will be closed.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>, traffic: Option<Traffic>) {
    // Without it, small answers wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(stream);
    let answer = service_fn(|request| {
        let (service, traffic) = (Arc::clone(&service), traffic.clone());
        async move {
            match traffic {
                Some(traffic) => traffic::pass(&traffic, &service, request).await,
                None => Ok(traffic::forward_unwatched(&service, request).await),
            }
        }
    });
    // An error is a client that went away or a connection closed on request.
    let _ = http1::Builder::new().serve_connection(io, answer).await;
}
