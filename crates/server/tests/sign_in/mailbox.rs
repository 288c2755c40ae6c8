//! Somebody outside who takes mail: a real SMTP server.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A mail that came.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) lines: Vec<String>,
}

impl Mail {
    /// A header, by its name.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.lines.iter().filter_map(|line| line.split_once(": "));
        let (_, value) = found.find(|(known, _)| *known == name).unwrap();
        value
    }

    /// What the subject begins with.
    pub(crate) fn code(&self) -> String {
        self.header("Subject")[..6].to_owned()
    }
}

/// The mail server, on a free port of this machine.
pub(crate) struct Mailbox {
    pub(crate) url: String,
    mails: Arc<Mutex<Vec<Mail>>>,
    task: JoinHandle<()>,
}

impl Mailbox {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::<Mutex<Vec<Mail>>>::default();
        let all = Arc::clone(&mails);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(talk(stream, Arc::clone(&all)));
            }
        });
        Self { url, mails, task }
    }

    /// All that came for somebody.
    pub(crate) fn of(&self, to: &str) -> Vec<Mail> {
        let mut mails = self.mails.lock().unwrap().clone();
        mails.retain(|mail| mail.to == to);
        mails
    }

    /// The newest mail for somebody, when there are so many.
    pub(crate) async fn newest(&self, to: &str, count: usize) -> Mail {
        let there = async {
            loop {
                if let [.., newest] = &self.of(to)[..]
                    && self.of(to).len() >= count
                {
                    return newest.clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let there = tokio::time::timeout(Duration::from_secs(20), there).await;
        there.unwrap_or_else(|_| panic!("mail {count} to {to}: {:?}", self.of(to)))
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection (RFC 5321), as long as it is there.
async fn talk(stream: TcpStream, mails: Arc<Mutex<Vec<Mail>>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    write.write_all(b"220 mailbox ESMTP\r\n").await.ok()?;
    loop {
        let line = lines.next_line().await.ok()??;
        let (verb, rest) = line.split_at_checked(4)?;
        let answer = match verb.to_ascii_uppercase().as_str() {
            "QUIT" => "221 bye",
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = Vec::new();
                loop {
                    match lines.next_line().await.ok()?? {
                        end if end == "." => break,
                        line => text.push(line),
                    }
                }
                let mail = Mail {
                    to: std::mem::take(&mut to),
                    lines: text,
                };
                mails.lock().unwrap().push(mail);
                "250 taken"
            }
            "RCPT" => {
                let (_, address) = rest.split_once('<')?;
                address.split_once('>')?.0.clone_into(&mut to);
                "250 known"
            }
            _ => "250 mailbox",
        };
        let answer = format!("{answer}\r\n");
        write.write_all(answer.as_bytes()).await.ok()?;
    }
}
