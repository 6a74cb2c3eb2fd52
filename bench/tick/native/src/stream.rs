//! A TCP connection that never blocks, with TLS or without.
//!
//! Owns: sockets, TLS sessions and their configurations. Must not know: what is sent. Invariant:
//! after `read` the socket was empty; after `write` the kernel has every byte.

use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore};
use rustls::{ServerConfig, ServerConnection};

const SCRATCH: usize = 16 * 1024;
/// rustls asks the socket for at least so many bytes at a time.
const TLS_READ: usize = 4096;

/// One connection.
pub struct Stream {
    /// For registration only.
    pub socket: TcpStream,
    tls: Option<Box<Connection>>,
    scratch: Box<[u8; SCRATCH]>,
}

impl Stream {
    fn new(socket: TcpStream, tls: Option<Connection>) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let scratch = Box::new([0; SCRATCH]);
        Ok(Self { socket, tls: tls.map(Box::new), scratch })
    }

    /// The server's end of an accepted connection.
    pub fn accepted(socket: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        let session = tls
            .map(|config| ServerConnection::new(Arc::clone(config)))
            .transpose()
            .map_err(io::Error::other)?;
        Self::new(socket, session.map(Connection::Server))
    }

    /// Connects to a port of this machine and ends the TLS handshake before it returns.
    pub fn connect(port: u16, tls: Option<&Arc<ClientConfig>>) -> io::Result<Self> {
        let socket = std::net::TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nonblocking(true)?;
        let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
        let session = tls
            .map(|config| ClientConnection::new(Arc::clone(config), name))
            .transpose()
            .map_err(io::Error::other)?;
        let mut stream = Self::new(TcpStream::from_std(socket), session.map(Connection::Client))?;
        while let Some(tls) = stream.tls.as_deref_mut().filter(|tls| tls.is_handshaking()) {
            match tls.complete_io(&mut stream.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => drop(done?),
            }
        }
        Ok(stream)
    }

    /// Appends what has arrived; false when the peer has closed.
    pub fn read(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        if self.tls.is_some() {
            return self.read_tls(into);
        }
        loop {
            match self.socket.read(&mut self.scratch[..]) {
                Ok(0) => return Ok(false),
                Ok(len) => {
                    into.extend_from_slice(&self.scratch[..len]);
                    // a short read has emptied the socket: no system call to be told so
                    if len < SCRATCH {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn read_tls(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let Some(tls) = self.tls.as_deref_mut() else { return Ok(false) };
        loop {
            let len = match tls.read_tls(&mut self.socket) {
                Ok(0) => return Ok(false),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let start = into.len();
            into.resize(start + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut into[start..])?;
            flush(tls, &mut self.socket)?;
            if state.peer_has_closed() {
                return Ok(false);
            }
            if len < TLS_READ {
                return Ok(true);
            }
        }
    }

    /// Sends everything; waits for room by asking again.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if let Some(tls) = self.tls.as_deref_mut() {
            tls.writer().write_all(bytes)?;
            return flush(tls, &mut self.socket);
        }
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(len) => bytes = &bytes[len..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn flush(tls: &mut Connection, socket: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => drop(done?),
        }
    }
    Ok(())
}

/// A server's TLS with the key and certificates of one PEM file.
pub fn server_tls(chain: &Path) -> Result<Arc<ServerConfig>, Box<dyn std::error::Error>> {
    let certificates = CertificateDer::pem_file_iter(chain)?.collect::<Result<Vec<_>, _>>()?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, PrivateKeyDer::from_pem_file(chain)?)?;
    // nobody resumes a session here, and a ticket would arrive in the middle of the first answer
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A client's TLS that trusts the authority of a PEM file.
pub fn client_tls(authority: &Path) -> Result<Arc<ClientConfig>, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
