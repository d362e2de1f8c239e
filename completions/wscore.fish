function __wscore_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __wscore_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __wscore_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __wscore_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __wscore_parse_tokens -S
    set -l unparsed_tokens (__wscore_tokens -pc)
    switch $unparsed_tokens[1]
    case 'wscore'
        __wscore_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'serve'
            __wscore_parse_subcommand 0 'listen=' 'unix=' 'unix-mode=' 'path=' 'sse-path=' 'raw-echo=' 'loops=' 'io=' 'allow-origin=+' 'allow-host=+' 'tls-cert=' 'tls-key=' 'tls-min-version=' 'tls-client-ca=' 'tls-client-auth=' 'tls-subject-file=' 'trusted-proxy=+' 'forwarded-header=' 'proxy-protocol' 'auth=' 'token-file=' 'api-key-file=' 'auth-header=' 'auth-reload-interval=' 'jwt-key-file=' 'jwt-secret-file=' 'jwt-jwks-file=' 'jwt-issuer=' 'jwt-audience=' 'jwt-leeway=' 'jwt-require-exp=' 'jwt-user-claim=' 'jwt-permissions-claim=' 'jwt-default-permissions=' 'route=+' 'route-timeout=' 'route-concurrency=' 'route-queue=' 'route-retries=' 'route-retry=' 'auth-url=' 'auth-timeout=' 'auth-concurrency=' 'auth-queue=' 'restore-url=' 'backend-ca=' 'backend-secret-file=' 'api-listen=' 'api-secret-file=' 'api-body-bytes=' 'api-connections=' 'api-timeout=' 'hello-rate=' 'hello-burst=' 'hello-pending=' 'max-sessions=' 'max-rooms=' 'sessions-per-user=' 'takeover-limit=' 'takeover-window=' 'credential-max-age=' 'credential-notice=' 'session-ttl=' 'tombstone-ttl=' 'ping-interval=' 'ping-timeout=' 'hello-timeout=' 'handshake-timeout=' 'idle-timeout=' 'message-timeout=' 'drain-timeout=' 'outbox-messages=' 'outbox-bytes=' 'outbox-total-bytes=' 'away-inbox-bytes=' 'max-message-bytes=' 'max-empty-fragments=' 'max-header-bytes=' 'max-header-fields=' 'max-connections=' 'message-rate=' 'message-burst=' 'byte-rate=' 'byte-burst=' 'control-rate=' 'control-burst=' 'max-connections-per-address=' 'connection-rate-per-address=' 'connection-burst-per-address=' 'compression=' 'compression-level=' 'compression-threshold=' 'compression-window-bits=' 'compression-memory-level=' 'room=+' 'presence-grace=' 'schemas=' 'schemas-strict' 'schema-steps=' 'deprecate=+' 'admin-socket=' 'log-level=' 'log-format=' 'ready-fd=' 'version' 'h/help'
        case 'client'
            __wscore_parse_subcommand 1 'raw-echo' 'token-file=' 'auth-scheme=' 'protocol=' 'instance=' 'ttl=' 'window=' 'no-ack' 'reconnect' 'no-reconnect' 'timeout=' 'tls-ca=' 'insecure' 'tls-cert=' 'tls-key=' 'script=+' 'c/command=+' 'on-eof=' 'drain-timeout=' 'keep-going' 'format=' 'color=' 'q/quiet' 'version' 'h/help'
        case 'load'
            __wscore_parse_subcommand 1 'sessions=' 'rate=' 'duration=' 'storm=+' 'rooms=' 'room-prefix=' 'payload-bytes=' 'seed=' 'settle=' 'loops=' 'io=' 'drop=' 'ramp=' 'backoff=' 'token-file=' 'auth-scheme=' 'tls-ca=' 'insecure' 'tls-cert=' 'tls-key=' 'threshold=+' 'progress=' 'out=' 'json' 'color=' 'version' 'h/help'
        case 'inspect'
            __wscore_parse_subcommand 0 'version' 'h/help'
            switch $unparsed_tokens[1]
            case 'sessions'
                __wscore_parse_subcommand 1 'room=' 'user=' 'state=' 'limit=' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'rooms'
                __wscore_parse_subcommand 1 'limit=' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'stats'
                __wscore_parse_subcommand 0 'watch=' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'events'
                __wscore_parse_subcommand 0 'follow' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'metrics'
                __wscore_parse_subcommand 0 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'health'
                __wscore_parse_subcommand 0 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'kick'
                __wscore_parse_subcommand -r 1 'user=' 'y/yes' 'expect-count=' 'reason=' 'dry-run' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'drain'
                __wscore_parse_subcommand -r 1 'over=' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            case 'undrain'
                __wscore_parse_subcommand 0 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
            end
        case 'help'
            __wscore_parse_subcommand -r 1 'version'
        end
    end
end

function __wscore_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __wscore_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __wscore_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __wscore_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__wscore_tokens -p)
    if test -z "$(__wscore_tokens -t)"
        set -l index (count (__wscore_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'wscore' -f
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'serve' -d 'Run a server.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'client' -d 'Talk to a server: interactively, or by a script.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'load' -d 'Load a server and check that no message is lost.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'inspect' -d 'Look at a running server: its sessions, rooms, numbers and events.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" listen' -l 'listen' -d 'Where to listen; port 0 takes any that is free; none, or a Unix socket: not on the network. (env: WSCORE_LISTEN; default: 127.0.0.1:8080)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" unix' -l 'unix' -d 'Listen on a Unix socket too, or alone with --listen none. (env: WSCORE_UNIX)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" unix-mode' -l 'unix-mode' -d 'The permissions of the Unix socket\'s file. (env: WSCORE_UNIX_MODE; default: 0660)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" path' -l 'path' -d 'The path of the WebSocket endpoint. (env: WSCORE_PATH; default: /ws)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" sse-path' -l 'sse-path' -d 'The path of the event streams, for clients that WebSocket does not reach. (env: WSCORE_SSE_PATH; default: /sse)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" raw-echo' -l 'raw-echo' -d 'Also serve a diagnostic endpoint that sends every message back as it came, to anyone; off by default. (env: WSCORE_RAW_ECHO)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" loops' -l 'loops' -d 'Event loops, each with its own shard. (env: WSCORE_LOOPS; default: one a core)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" io' -l 'io' -d 'How the bytes of sockets are moved; TLS needs nio. (env: WSCORE_IO; default: auto)' -rfka 'auto uring epoll nio'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve"' -l 'allow-origin' -d 'Origins whose pages may connect, commas between them; * for any. (env: WSCORE_ALLOW_ORIGIN; default: pages of the same host)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve"' -l 'allow-host' -d 'Names of the server, as requests have them in Host, commas between them; * for any. (env: WSCORE_ALLOW_HOST; default: names of this machine where the server listens on 127.0.0.1 or ::1 without --trusted-proxy, else any)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tls-cert' -l 'tls-cert' -d 'Speak TLS (wss://) with this chain of certificates in PEM, the server\'s own first; SIGHUP reads it again. (env: WSCORE_TLS_CERT)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tls-key' -l 'tls-key' -d 'The private key of the first certificate, in PEM. (env: WSCORE_TLS_KEY)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tls-min-version' -l 'tls-min-version' -d 'The oldest version of TLS that is spoken. (env: WSCORE_TLS_MIN_VERSION; default: 1.2)' -rfka '1.2 1.3'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tls-client-ca' -l 'tls-client-ca' -d 'Ask clients for a certificate of these authorities, in PEM. (env: WSCORE_TLS_CLIENT_CA)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tls-client-auth' -l 'tls-client-auth' -d 'Whether a client may come without one. (env: WSCORE_TLS_CLIENT_AUTH; default: required with --tls-client-ca)' -rfka 'required optional'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tls-subject-file' -l 'tls-subject-file' -d 'Subjects of client certificates and their users, one a line: SUBJECT USER [PERMISSION…]. (env: WSCORE_TLS_SUBJECT_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve"' -l 'trusted-proxy' -d 'Addresses or ranges of proxies that may say for whom a connection is, commas between them, for example 10.0.0.0/8,::1; unix for those on a Unix socket. May be given several times. (env: WSCORE_TRUSTED_PROXY; default: none)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" forwarded-header' -l 'forwarded-header' -d 'The field in which they say it. (env: WSCORE_FORWARDED_HEADER; default: x-forwarded-for)' -rfka 'x-forwarded-for forwarded none'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" proxy-protocol' -l 'proxy-protocol' -d 'Expect a PROXY header of version 2 in front of every connection, and take none but from a trusted proxy. (env: WSCORE_PROXY_PROTOCOL; default: false)'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth' -l 'auth' -d 'How clients show who they are. (env: WSCORE_AUTH; default: the one whose file or URL is given, else none)' -rfka 'none token-file api-key jwt http tls'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" token-file' -l 'token-file' -d 'Tokens and their users, one a line: TOKEN USER [PERMISSION…]. (env: WSCORE_TOKEN_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" api-key-file' -l 'api-key-file' -d 'Hashes of API keys and their users, one a line: NAME sha256:HEX USER [PERMISSION…]. (env: WSCORE_API_KEY_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth-header' -l 'auth-header' -d 'A field of the upgrade request that may hold the credential, besides Authorization: Bearer. (env: WSCORE_AUTH_HEADER; default: X-API-Key with --auth api-key, else none)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth-reload-interval' -l 'auth-reload-interval' -d 'Time between two looks whether a file of credentials was changed; 0s for SIGHUP alone. (env: WSCORE_AUTH_RELOAD_INTERVAL; default: 1s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-key-file' -l 'jwt-key-file' -d 'A public key in PEM: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. (env: WSCORE_JWT_KEY_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-secret-file' -l 'jwt-secret-file' -d 'A shared secret for HS256, at least 32 bytes: the file as it is, or base64url behind base64url:. (env: WSCORE_JWT_SECRET_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-jwks-file' -l 'jwt-jwks-file' -d 'A JSON Web Key Set, from which tokens choose by kid. (env: WSCORE_JWT_JWKS_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-issuer' -l 'jwt-issuer' -d 'What iss must be. (env: WSCORE_JWT_ISSUER)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-audience' -l 'jwt-audience' -d 'One of these must be in aud; commas between them. (env: WSCORE_JWT_AUDIENCE; default: tokens that name no audience)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-leeway' -l 'jwt-leeway' -d 'How far the issuer\'s clock may be from ours. (env: WSCORE_JWT_LEEWAY; default: 30s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-require-exp' -l 'jwt-require-exp' -d 'Whether a token without exp is refused. (env: WSCORE_JWT_REQUIRE_EXP; default: no)' -rfka 'yes no'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-user-claim' -l 'jwt-user-claim' -d 'The claim that names the user. (env: WSCORE_JWT_USER_CLAIM; default: sub)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-permissions-claim' -l 'jwt-permissions-claim' -d 'The claim with the permissions: a list, or a text with blanks between them. (env: WSCORE_JWT_PERMISSIONS_CLAIM; default: permissions)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" jwt-default-permissions' -l 'jwt-default-permissions' -d 'Permissions of a token without that claim; blanks between them. (env: WSCORE_JWT_DEFAULT_PERMISSIONS; default: none)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve"' -l 'route' -d 'A backend for an event, or with order.*=URL for all that begin so. May be given several times; in the variable, blanks stand between them. (env: WSCORE_ROUTE)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" route-timeout' -l 'route-timeout' -d 'Time for a backend to answer an event, waiting and further tries included. (env: WSCORE_ROUTE_TIMEOUT; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" route-concurrency' -l 'route-concurrency' -d 'Events that are with backends at one time. (env: WSCORE_ROUTE_CONCURRENCY; default: 64)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" route-queue' -l 'route-queue' -d 'Events that wait to be sent to one; more are refused with server.busy. (env: WSCORE_ROUTE_QUEUE; default: 1024)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" route-retries' -l 'route-retries' -d 'Further tries for an event. (env: WSCORE_ROUTE_RETRIES; default: 3)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" route-retry' -l 'route-retry' -d 'Which events are tried again: those that were certainly not processed, or all whose connection broke too. (env: WSCORE_ROUTE_RETRY; default: safe)' -rfka 'safe idempotent'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth-url' -l 'auth-url' -d 'Who says who a client is, with --auth http. (env: WSCORE_AUTH_URL)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth-timeout' -l 'auth-timeout' -d 'Time for an answer of --auth-url or --restore-url. (env: WSCORE_AUTH_TIMEOUT; default: 5s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth-concurrency' -l 'auth-concurrency' -d 'Clients that are asked about at one time. (env: WSCORE_AUTH_CONCURRENCY; default: 64)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" auth-queue' -l 'auth-queue' -d 'Clients that wait to be asked about; more are told to come later. (env: WSCORE_AUTH_QUEUE; default: 1024)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" restore-url' -l 'restore-url' -d 'Who is asked for the state and the rooms of a session that is gone. (env: WSCORE_RESTORE_URL)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" backend-ca' -l 'backend-ca' -d 'Certificates (PEM) to trust for https:// besides the system\'s. (env: WSCORE_BACKEND_CA)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" backend-secret-file' -l 'backend-secret-file' -d 'A secret that backends are shown as Authorization: Bearer; read at the start. (env: WSCORE_BACKEND_SECRET_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" api-listen' -l 'api-listen' -d 'Where backends push: an internal address, off by default. (env: WSCORE_API_LISTEN)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" api-secret-file' -l 'api-secret-file' -d 'The secret that they have to show as Authorization: Bearer; read at the start. (env: WSCORE_API_SECRET_FILE)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" api-body-bytes' -l 'api-body-bytes' -d 'The longest body of a request to it. (env: WSCORE_API_BODY_BYTES; default: 1MiB)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" api-connections' -l 'api-connections' -d 'Connections to it at one time. (env: WSCORE_API_CONNECTIONS; default: 64)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" api-timeout' -l 'api-timeout' -d 'Time for the head of a request to it, and again for its body. (env: WSCORE_API_TIMEOUT; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" hello-rate' -l 'hello-rate' -d 'Clients let in a second, new and resuming; the others are told when to come back. (env: WSCORE_HELLO_RATE; default: 50000)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" hello-burst' -l 'hello-burst' -d 'So many more at once, after a quiet time. (env: WSCORE_HELLO_BURST; default: 50000)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" hello-pending' -l 'hello-pending' -d 'Clients whose credentials may be checked at one time. (env: WSCORE_HELLO_PENDING; default: 16384)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-sessions' -l 'max-sessions' -d 'Sessions of one event loop, suspended ones included; each takes about 3 KiB. (env: WSCORE_MAX_SESSIONS; default: 1000000)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-rooms' -l 'max-rooms' -d 'Rooms of one event loop; each takes about 2 KiB. (env: WSCORE_MAX_ROOMS; default: 1000000)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" sessions-per-user' -l 'sessions-per-user' -d 'Sessions that one user may have, suspended ones included. (env: WSCORE_SESSIONS_PER_USER; default: no limit)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" takeover-limit' -l 'takeover-limit' -d 'Times in a window that connections may take one session from each other. (env: WSCORE_TAKEOVER_LIMIT; default: 1024)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" takeover-window' -l 'takeover-window' -d 'That window. (env: WSCORE_TAKEOVER_WINDOW; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" credential-max-age' -l 'credential-max-age' -d 'Longest time until a client has to show its credential again. (env: WSCORE_CREDENTIAL_MAX_AGE; default: what the authenticator says)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" credential-notice' -l 'credential-notice' -d 'How long before its credential ends a client is told. (env: WSCORE_CREDENTIAL_NOTICE; default: 30s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" session-ttl' -l 'session-ttl' -d 'How long a session outlives its connection. (env: WSCORE_SESSION_TTL; default: 120s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" tombstone-ttl' -l 'tombstone-ttl' -d 'How long is kept why a session ended, to tell its client. (env: WSCORE_TOMBSTONE_TTL; default: 10m)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" ping-interval' -l 'ping-interval' -d 'Silence after which a client is pinged. (env: WSCORE_PING_INTERVAL; default: 25s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" ping-timeout' -l 'ping-timeout' -d 'Silence after a ping that ends a connection. (env: WSCORE_PING_TIMEOUT; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" hello-timeout' -l 'hello-timeout' -d 'Time from the upgrade to hello. (env: WSCORE_HELLO_TIMEOUT; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" handshake-timeout' -l 'handshake-timeout' -d 'Time for a whole HTTP request. (env: WSCORE_HANDSHAKE_TIMEOUT; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" idle-timeout' -l 'idle-timeout' -d 'Time between two HTTP requests of one socket; for sessions see --ping-interval. (env: WSCORE_IDLE_TIMEOUT; default: 60s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" message-timeout' -l 'message-timeout' -d 'Time for a message to arrive, from its first byte to its last. (env: WSCORE_MESSAGE_TIMEOUT; default: 60s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" drain-timeout' -l 'drain-timeout' -d 'Time for clients to leave after SIGTERM. (env: WSCORE_DRAIN_TIMEOUT; default: 10s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" outbox-messages' -l 'outbox-messages' -d 'Messages kept for a client that does not acknowledge. (env: WSCORE_OUTBOX_MESSAGES; default: 1024)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" outbox-bytes' -l 'outbox-bytes' -d 'Their bytes. (env: WSCORE_OUTBOX_BYTES; default: 1MiB)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" outbox-total-bytes' -l 'outbox-total-bytes' -d 'Bytes kept for all clients together; the largest outboxes give way first. (env: WSCORE_OUTBOX_TOTAL_BYTES; default: 1GiB)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" away-inbox-bytes' -l 'away-inbox-bytes' -d 'Bytes of messages of one event loop that wait for their turn though their sender has left. (env: WSCORE_AWAY_INBOX_BYTES; default: 64MiB)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-message-bytes' -l 'max-message-bytes' -d 'The longest message of a client, after decompression. (env: WSCORE_MAX_MESSAGE_BYTES; default: 1MiB)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-empty-fragments' -l 'max-empty-fragments' -d 'Frames without payload in one message. (env: WSCORE_MAX_EMPTY_FRAGMENTS; default: 64)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-header-bytes' -l 'max-header-bytes' -d 'The head of a request. (env: WSCORE_MAX_HEADER_BYTES; default: 16KiB)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-header-fields' -l 'max-header-fields' -d 'Its header lines. (env: WSCORE_MAX_HEADER_FIELDS; default: 100)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-connections' -l 'max-connections' -d 'WebSocket connections at one time. (env: WSCORE_MAX_CONNECTIONS; default: 100000, or what the file limit allows)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" message-rate' -l 'message-rate' -d 'Messages of one connection in a second; one that sends more is not read until it may go on. (env: WSCORE_MESSAGE_RATE; default: 0, no bound)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" message-burst' -l 'message-burst' -d 'So many at once, after a quiet time. (env: WSCORE_MESSAGE_BURST; default: those of a second)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" byte-rate' -l 'byte-rate' -d 'Bytes of messages of one connection in a second, after decompression; the same holds. (env: WSCORE_BYTE_RATE; default: 0B, no bound)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" byte-burst' -l 'byte-burst' -d 'So many at once. (env: WSCORE_BYTE_BURST; default: those of a second)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" control-rate' -l 'control-rate' -d 'WebSocket pings and pongs of one connection in a second; one that sends more is closed with 1008; 0 for no bound. (env: WSCORE_CONTROL_RATE; default: 1000)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" control-burst' -l 'control-burst' -d 'So many at once. (env: WSCORE_CONTROL_BURST; default: those of 5 seconds)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" max-connections-per-address' -l 'max-connections-per-address' -d 'Connections of one IPv4 address, or of one /64 of IPv6, at one time; the next gets 503. Not over Unix sockets. (env: WSCORE_MAX_CONNECTIONS_PER_ADDRESS; default: 0, no bound)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" connection-rate-per-address' -l 'connection-rate-per-address' -d 'New connections of such an address in a second; the next gets 503. (env: WSCORE_CONNECTION_RATE_PER_ADDRESS; default: 0, no bound)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" connection-burst-per-address' -l 'connection-burst-per-address' -d 'So many at once. (env: WSCORE_CONNECTION_BURST_PER_ADDRESS; default: those of a second)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" compression' -l 'compression' -d 'Whether messages are compressed for clients that offer it, and whether a connection keeps a context for it. (env: WSCORE_COMPRESSION; default: stateless)' -rfka 'off stateless context'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" compression-level' -l 'compression-level' -d 'From fast to small. (env: WSCORE_COMPRESSION_LEVEL; default: 1)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" compression-threshold' -l 'compression-threshold' -d 'Shorter messages are sent as they are. (env: WSCORE_COMPRESSION_THRESHOLD; default: 256B)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" compression-window-bits' -l 'compression-window-bits' -d 'Base-2 logarithm of the largest window. (env: WSCORE_COMPRESSION_WINDOW_BITS; default: 15)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" compression-memory-level' -l 'compression-memory-level' -d 'zlib\'s memory level. (env: WSCORE_COMPRESSION_MEMORY_LEVEL; default: 8)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve"' -l 'room' -d 'What the rooms of a pattern do, for example \'chat-* history=100 history-bytes=1MiB history-ttl=10m grace=2s\'. May be given several times, in the variable with ; between; the first that matches counts. (env: WSCORE_ROOM; default: nothing is kept)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" presence-grace' -l 'presence-grace' -d 'How long a member may be without a connection before the others are told. (env: WSCORE_PRESENCE_GRACE; default: 5s)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" schemas' -l 'schemas' -d 'JSON Schema files that payloads are checked against: EVENT.json, EVENT@VERSION.json. (env: WSCORE_SCHEMAS)' -rfa '(__wscore_complete_directories)'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" schemas-strict' -l 'schemas-strict' -d 'Refuse events that have no schema, but for the built-in ones. (env: WSCORE_SCHEMAS_STRICT; default: false)'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" schema-steps' -l 'schema-steps' -d 'The most work for checking one payload; one step is a schema looking at a value. (env: WSCORE_SCHEMA_STEPS; default: 2000000)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve"' -l 'deprecate' -d 'Announce that v1, or a version of an event such as chat.send@1, will be removed: \'v1=2027-01-01 use version 2\'. May be given more than once; in the variable with ; between. (env: WSCORE_DEPRECATE)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" admin-socket' -l 'admin-socket' -d 'Where wscore inspect reaches the server; none for nowhere. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" log-level' -l 'log-level' -d 'The least that is logged. (env: WSCORE_LOG_LEVEL; default: info)' -rfka 'trace debug info notice warning error critical'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" log-format' -l 'log-format' -d 'How it is logged, on standard error. (env: WSCORE_LOG_FORMAT; default: auto: text on a terminal, else json)' -rfka 'auto text json'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" ready-fd' -l 'ready-fd' -d 'A descriptor that gets the URL and an end of line when clients can connect. (env: WSCORE_READY_FD)' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore serve" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" raw-echo' -l 'raw-echo' -d 'Make no session: send every message back as it came until the peer closes. For conformance suites.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" token-file' -l 'token-file' -d 'File with the credential, read again when the server says that it has ended. Without it, the variable WSCORE_TOKEN; never a word of the command line, which other users can read.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" auth-scheme' -l 'auth-scheme' -d 'Scheme of the credential: bearer, token, jwt, api-key, or one of the server\'s own.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" protocol' -l 'protocol' -d 'Version of the protocol.' -rfka 'v1 v2'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" instance' -l 'instance' -d 'Name of this device, shown by the server.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" ttl' -l 'ttl' -d 'How long the server is asked to keep the session while we are away.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" window' -l 'window' -d 'How many messages the server may have unacknowledged.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" no-ack' -l 'no-ack' -d 'Acknowledge only by the command ack.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" reconnect' -l 'reconnect' -d 'Whether to connect again, and resume, when the connection is lost.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" no-reconnect' -l 'no-reconnect' -d 'Whether to connect again, and resume, when the connection is lost.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" timeout' -l 'timeout' -d 'How long connecting, and commands that wait, may take.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" tls-ca' -l 'tls-ca' -d 'Authorities to trust for wss://, in PEM, instead of the system\'s.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" insecure' -l 'insecure' -d 'Believe any server\'s certificate: for tests, since anyone in between could read and write.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" tls-cert' -l 'tls-cert' -d 'Certificate to show to servers that ask for one, in PEM, its chain behind it.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" tls-key' -l 'tls-key' -d 'The private key of --tls-cert, in PEM.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client"' -l 'script' -d 'Run the commands of a file; - is standard input.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client"' -s 'c' -l 'command' -d 'Run a command; may be given again.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" on-eof' -l 'on-eof' -d 'At the end: wait for what is outstanding and close, close at once, or stay connected.' -rfka 'drain close stay'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" drain-timeout' -l 'drain-timeout' -d 'How long to wait for what is outstanding.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" keep-going' -l 'keep-going' -d 'Go on after an error; the exit status is still that of the first.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" format' -l 'format' -d 'text for people, ndjson for programs. (default: text on a terminal, else ndjson)' -rfka 'text ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" color' -l 'color' -d 'Colour; auto obeys NO_COLOR and CLICOLOR_FORCE.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" q quiet' -l 'quiet' -s 'q' -d 'Show results and errors, not what comes and goes.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" sessions' -l 'sessions' -d 'Sessions to hold open.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" rate' -l 'rate' -d 'Messages a second, of all sessions together; 0 for none.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" duration' -l 'duration' -d 'How long messages are sent.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load"' -l 'storm' -d 'Drop P percent of the connections at T; may be given again.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" rooms' -l 'rooms' -d 'Rooms, which share the sessions (default: a fifth of the sessions).' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" room-prefix' -l 'room-prefix' -d 'What the names of the rooms begin with; two runs against one server need two.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" payload-bytes' -l 'payload-bytes' -d 'Bytes of each payload.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" seed' -l 'seed' -d 'Fixes who sends when and whom storms hit (default: a random one).' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" settle' -l 'settle' -d 'Longest wait for what is under way at the end.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" loops' -l 'loops' -d 'Event loops, each a thread.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" io' -l 'io' -d 'What moves the bytes: uring or epoll, which connect to IP addresses without TLS only; nio; or auto, the first of these that works.' -rfka 'auto uring epoll nio'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" drop' -l 'drop' -d 'How storms break connections: rst, fin or clean.' -rfka 'rst fin clean'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" ramp' -l 'ramp' -d 'Session starts a second (default: as fast as 256 handshakes at a time go).' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" backoff' -l 'backoff' -d 'Bounds of the wait before a reconnect.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" token-file' -l 'token-file' -d 'File with a token a line, which the sessions use in turn. Without it, the variable WSCORE_TOKEN.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" auth-scheme' -l 'auth-scheme' -d 'Scheme of the credential: bearer, token, jwt, api-key, or one of the server\'s own.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" tls-ca' -l 'tls-ca' -d 'Authorities to trust for wss://, in PEM, instead of the system\'s.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" insecure' -l 'insecure' -d 'Believe any server\'s certificate: for tests, since anyone in between could read and write.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" tls-cert' -l 'tls-cert' -d 'Certificate to show to servers that ask for one, in PEM, its chain behind it.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" tls-key' -l 'tls-key' -d 'The private key of --tls-cert, in PEM.' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load"' -l 'threshold' -d 'A bound like resume.p99<250ms or gap==0; may be given again.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" progress' -l 'progress' -d 'What standard error shows meanwhile: auto, ndjson or off.' -rfka 'auto ndjson off'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" out' -l 'out' -d 'Directory to write summary.json to; made if it is missing.' -rfa '(__wscore_complete_directories)'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" json' -l 'json' -d 'Print the report as one JSON object.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" color' -l 'color' -d 'Colour: auto, always or never.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore load" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'sessions' -d 'List the sessions, or show one.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'rooms' -d 'List the rooms, or show one with its members.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'stats' -d 'Show the server\'s numbers.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'events' -d 'Show what happened to sessions, connections and rooms.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'metrics' -d 'Print the metrics in the text format of Prometheus.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'health' -d 'Tell by the exit status whether the server is up and takes sessions.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'kick' -d 'End sessions and close their connections (4507); they cannot be resumed.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'drain' -d 'Take no more sessions and ask the clients to move; with sessions named, ask only these.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'undrain' -d 'Take sessions again.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect sessions" -eq 1' -fka '(__wscore_custom_completion ---completion inspect sessions -- positional@0 (count (__wscore_tokens -pc)) (__wscore_tokens -tC))'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" room' -l 'room' -d 'Only sessions that are in this room.' -rfka '(__wscore_custom_completion ---completion inspect sessions -- --room (count (__wscore_tokens -pc)) (__wscore_tokens -tC))'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" user' -l 'user' -d 'Only sessions of this user.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" state' -l 'state' -d 'Only sessions in this state.' -rfka 'active suspended'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" limit' -l 'limit' -d 'At most so many.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect sessions" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect rooms" -eq 1' -fka '(__wscore_custom_completion ---completion inspect rooms -- positional@0 (count (__wscore_tokens -pc)) (__wscore_tokens -tC))'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" limit' -l 'limit' -d 'At most so many.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect rooms" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" watch' -l 'watch' -d 'Ask again at this interval, until Ctrl-C.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect stats" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" follow' -l 'follow' -d 'Go on with events as they happen, until Ctrl-C or the server\'s end.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect events" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect metrics" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect health" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect kick" -ge 1' -fka '(__wscore_custom_completion ---completion inspect kick -- positional@0 (count (__wscore_tokens -pc)) (__wscore_tokens -tC))'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" user' -l 'user' -d 'All sessions of this user.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" y yes' -l 'yes' -s 'y' -d 'With --user: however many sessions that are.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" expect-count' -l 'expect-count' -d 'With --user: only if there are so many sessions.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" reason' -l 'reason' -d 'Tell the client why, in 100 bytes at most.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" dry-run' -l 'dry-run' -d 'Only show what would be ended.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect drain" -ge 1' -fka '(__wscore_custom_completion ---completion inspect drain -- positional@0 (count (__wscore_tokens -pc)) (__wscore_tokens -tC))'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" over' -l 'over' -d 'Spread the clients over this time.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect drain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect undrain" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore help" version' -l 'version' -d 'Show the version.'
