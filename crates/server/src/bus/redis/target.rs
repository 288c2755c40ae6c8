//! Where Redis is: one server, a cluster, or what a sentinel names.

use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisResult, TlsMode,
    aio::AsyncPushSender,
    cluster::ClusterClientBuilder,
    sentinel::{Sentinel, SentinelNodeConnectionInfo},
};

use super::connection::Connection;
use super::{ANSWER_MAX, CONNECT_MAX};

/// What a `redis_url` names. Never shown: it may hold a password.
#[derive(Clone)]
pub enum Target {
    /// One server.
    One(ConnectionInfo),
    /// Some nodes of a cluster; the others are learnt from them.
    Cluster(Vec<ConnectionInfo>),
    /// Sentinels that know who is the primary of a service, and how to come in there.
    Sentinel {
        /// The sentinels.
        nodes: Vec<ConnectionInfo>,
        /// The name of the service.
        service: String,
        /// How the primary is reached.
        primary: ConnectionInfo,
    },
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::One(_) => "Redis",
            Self::Cluster(_) => "Redis cluster",
            Self::Sentinel { .. } => "Redis behind sentinels",
        })
    }
}

const FORMS: &str = "say redis://[USER:PASSWORD@]HOST[:PORT][/DB], redis+cluster://HOST:PORT,HOST:PORT or \
     redis+sentinel://HOST:PORT,HOST:PORT/SERVICE; with TLS rediss://, rediss+cluster://, rediss+sentinel://; \
     on this machine unix:///PATH";

/// What the URL of a socket may have behind a question mark.
const OF_SOCKETS: [&str; 3] = ["db", "user", "pass"];

impl Target {
    /// Reads a URL; what is wrong with it is told without repeating it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or(FORMS)?;
        refuse_unknown(scheme, rest)?;
        let (tls, kind) = match scheme.split_once('+') {
            Some((tls @ ("redis" | "rediss"), kind @ ("cluster" | "sentinel"))) => (tls, kind),
            None if matches!(scheme, "redis" | "rediss" | "unix") => {
                return Ok(Self::One(one(url)?));
            }
            _ => return Err(FORMS.to_owned()),
        };
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (format!("{credentials}@"), rest),
            None => (String::new(), rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let hosts = || hosts.split(',').filter(|host| !host.is_empty());
        let first = hosts().next().ok_or(FORMS)?;
        if kind == "cluster" {
            if !path.is_empty() {
                return Err("a cluster has no numbered databases; leave the path out".to_owned());
            }
            let nodes = hosts().map(|host| one(&format!("{tls}://{credentials}{host}")));
            return Ok(Self::Cluster(nodes.collect::<Result<_, _>>()?));
        }
        let (service, database) = path.split_once('/').unwrap_or((path, "0"));
        if service.is_empty() {
            return Err("name the service that the sentinels watch: …/SERVICE".to_owned());
        }
        let nodes = hosts().map(|host| one(&format!("redis://{host}")));
        Ok(Self::Sentinel {
            nodes: nodes.collect::<Result<_, _>>()?,
            service: service.to_owned(),
            primary: one(&format!("{tls}://{credentials}{first}/{database}"))?,
        })
    }

    /// Connects. What Redis says by itself goes to `pushes`, and so does the end of the connection.
    pub(super) async fn connect(&self, pushes: impl AsyncPushSender) -> RedisResult<Connection> {
        match self {
            Self::One(info) => to_one(&Client::open(info.clone())?, pushes).await,
            Self::Sentinel {
                nodes,
                service,
                primary,
            } => {
                let mut sentinel = Sentinel::build(nodes.clone())?;
                let mut how = SentinelNodeConnectionInfo::default()
                    .set_redis_connection_info(primary.redis_settings().clone());
                if matches!(primary.addr(), redis::ConnectionAddr::TcpTls { .. }) {
                    how = how.set_tls_mode(TlsMode::Secure);
                }
                let client = sentinel.async_master_for(service, Some(&how)).await?;
                to_one(&client, pushes).await
            }
            Self::Cluster(nodes) => {
                let client = ClusterClientBuilder::new(nodes.clone())
                    .use_protocol(ProtocolVersion::RESP3)
                    .connection_timeout(CONNECT_MAX)
                    .response_timeout(ANSWER_MAX)
                    .overall_response_timeout(Some(ANSWER_MAX))
                    .push_sender(pushes)
                    .build()?;
                let made = client.get_async_connection().await?;
                Ok(Connection::Cluster(Box::new(made)))
            }
        }
    }
}

/// The library takes no notice of parameters that it does not know, and of some that make a connection less safe.
fn refuse_unknown(scheme: &str, rest: &str) -> Result<(), String> {
    if rest.contains('#') {
        return Err(
            "it has something behind a #; leave that out (in a password, write %23)".to_owned(),
        );
    }
    let Some((_, parameters)) = rest.split_once('?') else {
        return Ok(());
    };
    if scheme != "unix" {
        return Err("it takes no parameters; leave out what is behind the question mark (in a password, write %3F)".to_owned());
    }
    let mut names = parameters.split('&').map(|pair| pair.split('=').next());
    if names.all(|name| name.is_some_and(|name| OF_SOCKETS.contains(&name))) {
        Ok(())
    } else {
        Err(format!(
            "a unix:// address takes the parameters {} only",
            OF_SOCKETS.join(", ")
        ))
    }
}

async fn to_one(client: &Client, pushes: impl AsyncPushSender) -> RedisResult<Connection> {
    let how = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_MAX))
        .set_response_timeout(Some(ANSWER_MAX))
        .set_push_sender(pushes);
    let made = client.get_multiplexed_async_connection_with_config(&how);
    Ok(Connection::One(made.await?))
}

/// One server, by the newer protocol: with it Redis may say something by itself between answers.
fn one(url: &str) -> Result<ConnectionInfo, String> {
    let info = url.into_connection_info().map_err(|_| FORMS)?;
    let settings = info.redis_settings().clone();
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_one_server_a_cluster_or_sentinels() {
        let parse = |url| Target::parse(url).unwrap();
        assert!(matches!(parse("redis://cache"), Target::One(_)));
        assert!(matches!(
            parse("rediss://user:word@cache:6380/2"),
            Target::One(_)
        ));
        assert!(matches!(parse("unix:///run/redis.sock"), Target::One(_)));
        let Target::Cluster(nodes) = parse("redis+cluster://:p%40ss@a:7000,b:7001") else {
            panic!("no cluster");
        };
        assert_eq!(nodes.len(), 2);
        assert_eq!(nodes[1].addr().to_string(), "b:7001");
        assert_eq!(nodes[1].redis_settings().password(), Some("p@ss"));
        let url = "rediss+sentinel://:word@a:26379,b:26379/main/3";
        let Target::Sentinel {
            nodes,
            service,
            primary,
        } = parse(url)
        else {
            panic!("no sentinels");
        };
        assert_eq!((nodes.len(), service.as_str()), (2, "main"));
        assert_eq!(nodes[0].redis_settings().password(), None);
        assert_eq!(primary.redis_settings().password(), Some("word"));
        assert_eq!(primary.redis_settings().db(), 3);
    }

    #[test]
    fn what_would_not_be_heeded_is_refused() {
        for url in [
            "redis://cache/0?foo=bar",
            "redis://cache?protocol=resp2",
            "rediss://cache/#insecure",
            "redis+cluster://a:1,b:2?foo=bar",
            "redis+sentinel://a:1/main?foo=bar",
            "redis+sentinel://a:1/main/3?foo=bar",
            "unix:///run/redis.sock?foo=bar",
            "unix:///run/redis.sock?db=1&foo",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        for url in [
            "unix:///run/redis.sock?db=1&user=a&pass=b",
            "redis://:%3F%23@cache/1",
        ] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn wrong_urls_are_told_without_their_passwords() {
        for url in [
            "hunter2",
            "http://:hunter2@cache",
            "redis+magic://:hunter2@cache",
            "redis+cluster://:hunter2@",
            "redis+cluster://:hunter2@a:1/4",
            "redis+sentinel://:hunter2@a:1",
            "redis://:hunter2@cache:notaport",
            "redis://:hunter2@cache?password=hunter2",
            "unix:///run/redis.sock?hunter2=hunter2",
        ] {
            let problem = Target::parse(url).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
