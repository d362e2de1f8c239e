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
        case 'client'
            __wscore_parse_subcommand 0 'timeout=' 'version' 'h/help'
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
                __wscore_parse_subcommand -r 1 'reason=' 'dry-run' 'socket=' 'timeout=' 'json' 'format=' 'color=' 'version' 'h/help'
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
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'client' -d 'Talk to a server: interactively, or by a script.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'inspect' -d 'Look at a running server: its sessions, rooms, numbers and events.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" timeout' -l 'timeout' -d 'x' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore client" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'sessions' -d 'List the sessions, or show one.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'rooms' -d 'List the rooms, or show one with its members.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'stats' -d 'Show the server\'s numbers.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'events' -d 'Show what happened to sessions, connections and rooms.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'metrics' -d 'Print the metrics in the text format of Prometheus.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'health' -d 'Tell by the exit status whether the server is up and takes sessions.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_positional "wscore inspect" -eq 1' -fa 'kick' -d 'End sessions and close their connections (4507); they cannot be resumed.'
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
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" reason' -l 'reason' -d 'Tell the client why, in 100 bytes at most.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" dry-run' -l 'dry-run' -d 'Only show what would be ended.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" socket' -l 'socket' -d 'Where the server\'s admin socket is. (env: WSCORE_ADMIN_SOCKET; default: $XDG_RUNTIME_DIR/wscore/admin.sock, else /tmp/wscore-UID/admin.sock)' -rF
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" timeout' -l 'timeout' -d 'The longest wait for the server\'s next byte.' -rfka ''
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" json' -l 'json' -d 'The same as --format ndjson, which is the default off a terminal.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" format' -l 'format' -d 'How the result is written.' -rfka 'table json ndjson'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" color' -l 'color' -d 'Whether tables are coloured.' -rfka 'auto always never'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" version' -l 'version' -d 'Show the version.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore inspect kick" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'wscore' -n '__wscore_should_offer_completions_for_flags_or_options "wscore help" version' -l 'version' -d 'Show the version.'
