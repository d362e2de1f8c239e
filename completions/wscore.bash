#!/bin/bash

__wscore_cursor_index_in_current_word() {
    local remaining="${COMP_LINE}"

    local word
    for word in "${COMP_WORDS[@]::COMP_CWORD}"; do
        remaining="${remaining##*([[:space:]])"${word}"*([[:space:]])}"
    done

    local -ir index="$((COMP_POINT - ${#COMP_LINE} + ${#remaining}))"
    if [[ "${index}" -le 0 ]]; then
        printf 0
    else
        printf %s "${index}"
    fi
}

# positional arguments:
#
# - 1: the current (sub)command's count of positional arguments
#
# required variables:
#
# - repeating_flags: the repeating flags that the current (sub)command can accept
# - non_repeating_flags: the non-repeating flags that the current (sub)command can accept
# - repeating_options: the repeating options that the current (sub)command can accept
# - non_repeating_options: the non-repeating options that the current (sub)command can accept
# - positional_number: value ignored
# - unparsed_words: unparsed words from the current command line
#
# modified variables:
#
# - non_repeating_flags: remove flags for this (sub)command that are already on the command line
# - non_repeating_options: remove options for this (sub)command that are already on the command line
# - positional_number: set to the current positional number
# - unparsed_words: remove all flags, options, and option values for this (sub)command
__wscore_offer_flags_options() {
    local -ir positional_count="${1}"
    positional_number=0

    local was_flag_option_terminator_seen=false
    local is_parsing_option_value=false

    local -ar unparsed_word_indices=("${!unparsed_words[@]}")
    local -i word_index
    for word_index in "${unparsed_word_indices[@]}"; do
        if "${is_parsing_option_value}"; then
            # This word is an option value:
            # Reset marker for next word iff not currently the last word
            [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]] && is_parsing_option_value=false
            unset "unparsed_words[${word_index}]"
            # Do not process this word as a flag or an option
            continue
        fi

        local word="${unparsed_words["${word_index}"]}"
        if ! "${was_flag_option_terminator_seen}"; then
            case "${word}" in
            --)
                unset "unparsed_words[${word_index}]"
                # by itself -- is a flag/option terminator, but if it is the last word, it is the start of a completion
                if [[ "${word_index}" -ne "${unparsed_word_indices[${#unparsed_word_indices[@]} - 1]}" ]]; then
                    was_flag_option_terminator_seen=true
                fi
                continue
                ;;
            -*)
                # ${word} is a flag or an option
                # If ${word} is an option, mark that the next word to be parsed is an option value
                local option
                for option in "${repeating_options[@]}" "${non_repeating_options[@]}"; do
                    [[ "${word}" = "${option}" ]] && is_parsing_option_value=true && break
                done

                # Remove ${word} from ${non_repeating_flags} or ${non_repeating_options} so it isn't offered again
                local not_found=true
                local -i index
                for index in "${!non_repeating_flags[@]}"; do
                    if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                        unset "non_repeating_flags[${index}]"
                        non_repeating_flags=("${non_repeating_flags[@]}")
                        not_found=false
                        break
                    fi
                done
                if "${not_found}"; then
                    for index in "${!non_repeating_flags[@]}"; do
                        if [[ "${non_repeating_flags[${index}]}" = "${word}" ]]; then
                            unset "non_repeating_flags[${index}]"
                            non_repeating_flags=("${non_repeating_flags[@]}")
                            break
                        fi
                    done
                fi
                unset "unparsed_words[${word_index}]"
                continue
                ;;
            esac
        fi

        # ${word} is neither a flag, nor an option, nor an option value
        if [[ "${positional_number}" -lt "${positional_count}" || "${positional_count}" -lt 0 ]]; then
            # ${word} is a positional
            ((positional_number++))
            unset "unparsed_words[${word_index}]"
        else
            if [[ -z "${word}" ]]; then
                # Could be completing a flag, option, or subcommand
                positional_number=-1
            else
                # ${word} is a subcommand or invalid, so stop processing this (sub)command
                positional_number=-2
            fi
            break
        fi
    done

    unparsed_words=("${unparsed_words[@]}")

    if\
        ! "${was_flag_option_terminator_seen}"\
        && ! "${is_parsing_option_value}"\
        && [[ ("${cur}" = -* && "${positional_number}" -ge 0) || "${positional_number}" -eq -1 ]]
    then
        COMPREPLY+=($(compgen -W "${repeating_flags[*]} ${non_repeating_flags[*]} ${repeating_options[*]} ${non_repeating_options[*]}" -- "${cur}"))
    fi
}

__wscore_add_completions() {
    local completion
    while IFS='' read -r completion; do
        COMPREPLY+=("${completion}")
    done < <(IFS=$'\n' compgen "${@}" -- "${cur}")
}

__wscore_custom_complete() {
    if [[ -n "${cur}" || -z ${COMP_WORDS[${COMP_CWORD}]} || "${COMP_LINE:${COMP_POINT}:1}" != ' ' ]]; then
        local -ar words=("${COMP_WORDS[@]}")
    else
        local -ar words=("${COMP_WORDS[@]::${COMP_CWORD}}" '' "${COMP_WORDS[@]:${COMP_CWORD}}")
    fi

    "${COMP_WORDS[0]}" "${@}" "${words[@]}"
}

_wscore() {
    local state
    state="$(shopt -p;shopt -po)"
    trap "${state//$'\n'/;}" RETURN
    shopt -s extglob
    set +o history +o posix

    local -xr SAP_SHELL=bash
    local -x SAP_SHELL_VERSION
    SAP_SHELL_VERSION="$(IFS='.';printf %s "${BASH_VERSINFO[*]}")"
    local -r SAP_SHELL_VERSION

    # bash takes the = of --option=value for a word of its own: here it is left out.
    local cur="${2}"
    local prev="${3}"
    local -i positional_number
    local -a unparsed_words=()
    local -i word_index
    for ((word_index = 1; word_index <= COMP_CWORD; word_index++)); do
        [[ "${COMP_WORDS[${word_index}]}" = '=' ]] || unparsed_words+=("${COMP_WORDS[${word_index}]}")
    done
    if [[ "${COMP_WORDS[${COMP_CWORD}]}" = '=' ]]; then
        cur=''
        unparsed_words+=('')
    elif [[ "${prev}" = '=' && "${COMP_CWORD}" -ge 2 ]]; then
        prev="${COMP_WORDS[$((COMP_CWORD - 2))]}"
    fi

    local -a repeating_flags=()
    local -a non_repeating_flags=(--version -h --help)
    local -a repeating_options=()
    local -a non_repeating_options=()
    __wscore_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    serve|client|load|inspect|help)
        # Offer subcommand argument completions
        "_wscore_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'serve client load inspect help' -- "${cur}"))
        ;;
    esac
}

_wscore_serve() {
    repeating_flags=()
    non_repeating_flags=(--proxy-protocol --schemas-strict --version -h --help)
    repeating_options=(--allow-origin --allow-host --trusted-proxy --route --room --deprecate)
    non_repeating_options=(--listen --unix --unix-mode --path --sse-path --raw-echo --loops --io --tls-cert --tls-key --tls-min-version --tls-client-ca --tls-client-auth --tls-subject-file --forwarded-header --auth --token-file --api-key-file --auth-header --auth-reload-interval --jwt-key-file --jwt-secret-file --jwt-jwks-file --jwt-issuer --jwt-audience --jwt-leeway --jwt-require-exp --jwt-user-claim --jwt-permissions-claim --jwt-default-permissions --route-timeout --route-concurrency --route-queue --route-retries --route-retry --auth-url --auth-timeout --auth-concurrency --auth-queue --restore-url --backend-ca --backend-secret-file --api-listen --api-secret-file --api-body-bytes --api-connections --api-timeout --hello-rate --hello-burst --hello-pending --max-sessions --max-rooms --sessions-per-user --takeover-limit --takeover-window --credential-max-age --credential-notice --session-ttl --tombstone-ttl --ping-interval --ping-timeout --hello-timeout --handshake-timeout --idle-timeout --message-timeout --drain-timeout --outbox-messages --outbox-bytes --outbox-total-bytes --away-inbox-bytes --max-message-bytes --max-empty-fragments --max-header-bytes --max-header-fields --max-connections --message-rate --message-burst --byte-rate --byte-burst --control-rate --control-burst --max-connections-per-address --connection-rate-per-address --connection-burst-per-address --compression --compression-level --compression-threshold --compression-window-bits --compression-memory-level --presence-grace --schemas --schema-steps --admin-socket --log-level --log-format --ready-fd)
    __wscore_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--listen')
        return
        ;;
    '--unix')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--unix-mode')
        return
        ;;
    '--path')
        return
        ;;
    '--sse-path')
        return
        ;;
    '--raw-echo')
        return
        ;;
    '--loops')
        return
        ;;
    '--io')
        __wscore_add_completions -W 'auto'$'\n''uring'$'\n''epoll'$'\n''nio'
        return
        ;;
    '--allow-origin')
        return
        ;;
    '--allow-host')
        return
        ;;
    '--tls-cert')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-key')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-min-version')
        __wscore_add_completions -W '1.2'$'\n''1.3'
        return
        ;;
    '--tls-client-ca')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-client-auth')
        __wscore_add_completions -W 'required'$'\n''optional'
        return
        ;;
    '--tls-subject-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--trusted-proxy')
        return
        ;;
    '--forwarded-header')
        __wscore_add_completions -W 'x-forwarded-for'$'\n''forwarded'$'\n''none'
        return
        ;;
    '--auth')
        __wscore_add_completions -W 'none'$'\n''token-file'$'\n''api-key'$'\n''jwt'$'\n''http'$'\n''tls'
        return
        ;;
    '--token-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--api-key-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--auth-header')
        return
        ;;
    '--auth-reload-interval')
        return
        ;;
    '--jwt-key-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--jwt-secret-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--jwt-jwks-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--jwt-issuer')
        return
        ;;
    '--jwt-audience')
        return
        ;;
    '--jwt-leeway')
        return
        ;;
    '--jwt-require-exp')
        __wscore_add_completions -W 'yes'$'\n''no'
        return
        ;;
    '--jwt-user-claim')
        return
        ;;
    '--jwt-permissions-claim')
        return
        ;;
    '--jwt-default-permissions')
        return
        ;;
    '--route')
        return
        ;;
    '--route-timeout')
        return
        ;;
    '--route-concurrency')
        return
        ;;
    '--route-queue')
        return
        ;;
    '--route-retries')
        return
        ;;
    '--route-retry')
        __wscore_add_completions -W 'safe'$'\n''idempotent'
        return
        ;;
    '--auth-url')
        return
        ;;
    '--auth-timeout')
        return
        ;;
    '--auth-concurrency')
        return
        ;;
    '--auth-queue')
        return
        ;;
    '--restore-url')
        return
        ;;
    '--backend-ca')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--backend-secret-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--api-listen')
        return
        ;;
    '--api-secret-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--api-body-bytes')
        return
        ;;
    '--api-connections')
        return
        ;;
    '--api-timeout')
        return
        ;;
    '--hello-rate')
        return
        ;;
    '--hello-burst')
        return
        ;;
    '--hello-pending')
        return
        ;;
    '--max-sessions')
        return
        ;;
    '--max-rooms')
        return
        ;;
    '--sessions-per-user')
        return
        ;;
    '--takeover-limit')
        return
        ;;
    '--takeover-window')
        return
        ;;
    '--credential-max-age')
        return
        ;;
    '--credential-notice')
        return
        ;;
    '--session-ttl')
        return
        ;;
    '--tombstone-ttl')
        return
        ;;
    '--ping-interval')
        return
        ;;
    '--ping-timeout')
        return
        ;;
    '--hello-timeout')
        return
        ;;
    '--handshake-timeout')
        return
        ;;
    '--idle-timeout')
        return
        ;;
    '--message-timeout')
        return
        ;;
    '--drain-timeout')
        return
        ;;
    '--outbox-messages')
        return
        ;;
    '--outbox-bytes')
        return
        ;;
    '--outbox-total-bytes')
        return
        ;;
    '--away-inbox-bytes')
        return
        ;;
    '--max-message-bytes')
        return
        ;;
    '--max-empty-fragments')
        return
        ;;
    '--max-header-bytes')
        return
        ;;
    '--max-header-fields')
        return
        ;;
    '--max-connections')
        return
        ;;
    '--message-rate')
        return
        ;;
    '--message-burst')
        return
        ;;
    '--byte-rate')
        return
        ;;
    '--byte-burst')
        return
        ;;
    '--control-rate')
        return
        ;;
    '--control-burst')
        return
        ;;
    '--max-connections-per-address')
        return
        ;;
    '--connection-rate-per-address')
        return
        ;;
    '--connection-burst-per-address')
        return
        ;;
    '--compression')
        __wscore_add_completions -W 'off'$'\n''stateless'$'\n''context'
        return
        ;;
    '--compression-level')
        return
        ;;
    '--compression-threshold')
        return
        ;;
    '--compression-window-bits')
        return
        ;;
    '--compression-memory-level')
        return
        ;;
    '--room')
        return
        ;;
    '--presence-grace')
        return
        ;;
    '--schemas')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -d
        return
        ;;
    '--schema-steps')
        return
        ;;
    '--deprecate')
        return
        ;;
    '--admin-socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--log-level')
        __wscore_add_completions -W 'trace'$'\n''debug'$'\n''info'$'\n''notice'$'\n''warning'$'\n''error'$'\n''critical'
        return
        ;;
    '--log-format')
        __wscore_add_completions -W 'auto'$'\n''text'$'\n''json'
        return
        ;;
    '--ready-fd')
        return
        ;;
    esac
}

_wscore_client() {
    repeating_flags=()
    non_repeating_flags=(--raw-echo --no-ack --reconnect --no-reconnect --insecure --keep-going --quiet -q --version -h --help)
    repeating_options=(--script -c --command)
    non_repeating_options=(--token-file --auth-scheme --protocol --instance --ttl --window --timeout --tls-ca --tls-cert --tls-key --on-eof --drain-timeout --format --color)
    __wscore_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--token-file')
        return
        ;;
    '--auth-scheme')
        return
        ;;
    '--protocol')
        __wscore_add_completions -W 'v1'$'\n''v2'
        return
        ;;
    '--instance')
        return
        ;;
    '--ttl')
        return
        ;;
    '--window')
        return
        ;;
    '--timeout')
        return
        ;;
    '--tls-ca')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-cert')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-key')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--script')
        return
        ;;
    '-c'|'--command')
        return
        ;;
    '--on-eof')
        __wscore_add_completions -W 'drain'$'\n''close'$'\n''stay'
        return
        ;;
    '--drain-timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'text'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_load() {
    repeating_flags=()
    non_repeating_flags=(--insecure --json --version -h --help)
    repeating_options=(--storm --threshold)
    non_repeating_options=(--sessions --rate --duration --rooms --room-prefix --payload-bytes --seed --settle --loops --io --drop --ramp --backoff --token-file --auth-scheme --tls-ca --tls-cert --tls-key --progress --out --color)
    __wscore_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--sessions')
        return
        ;;
    '--rate')
        return
        ;;
    '--duration')
        return
        ;;
    '--storm')
        return
        ;;
    '--rooms')
        return
        ;;
    '--room-prefix')
        return
        ;;
    '--payload-bytes')
        return
        ;;
    '--seed')
        return
        ;;
    '--settle')
        return
        ;;
    '--loops')
        return
        ;;
    '--io')
        __wscore_add_completions -W 'auto'$'\n''uring'$'\n''epoll'$'\n''nio'
        return
        ;;
    '--drop')
        __wscore_add_completions -W 'rst'$'\n''fin'$'\n''clean'
        return
        ;;
    '--ramp')
        return
        ;;
    '--backoff')
        return
        ;;
    '--token-file')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--auth-scheme')
        return
        ;;
    '--tls-ca')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-cert')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--tls-key')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--threshold')
        return
        ;;
    '--progress')
        __wscore_add_completions -W 'auto'$'\n''ndjson'$'\n''off'
        return
        ;;
    '--out')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -d
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_inspect() {
    repeating_flags=()
    non_repeating_flags=(--version -h --help)
    repeating_options=()
    non_repeating_options=()
    __wscore_offer_flags_options 0

    # Offer subcommand / subcommand argument completions
    local -r subcommand="${unparsed_words[0]}"
    unset 'unparsed_words[0]'
    unparsed_words=("${unparsed_words[@]}")
    case "${subcommand}" in
    sessions|rooms|stats|events|metrics|health|kick|drain|undrain)
        # Offer subcommand argument completions
        "_wscore_inspect_${subcommand}"
        ;;
    *)
        # Offer subcommand completions
        COMPREPLY+=($(compgen -W 'sessions rooms stats events metrics health kick drain undrain' -- "${cur}"))
        ;;
    esac
}

_wscore_inspect_sessions() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--room --user --state --limit --socket --timeout --format --color)
    __wscore_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--room')
        __wscore_add_completions -W "$(__wscore_custom_complete ---completion inspect sessions -- --room "${COMP_CWORD}" "$(__wscore_cursor_index_in_current_word)")"
        return
        ;;
    '--user')
        return
        ;;
    '--state')
        __wscore_add_completions -W 'active'$'\n''suspended'
        return
        ;;
    '--limit')
        return
        ;;
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __wscore_add_completions -W "$(__wscore_custom_complete ---completion inspect sessions -- positional@0 "${COMP_CWORD}" "$(__wscore_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_wscore_inspect_rooms() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--limit --socket --timeout --format --color)
    __wscore_offer_flags_options 1

    # Offer option value completions
    case "${prev}" in
    '--limit')
        return
        ;;
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    1)
        __wscore_add_completions -W "$(__wscore_custom_complete ---completion inspect rooms -- positional@0 "${COMP_CWORD}" "$(__wscore_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_wscore_inspect_stats() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--watch --socket --timeout --format --color)
    __wscore_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--watch')
        return
        ;;
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_inspect_events() {
    repeating_flags=()
    non_repeating_flags=(--follow --json --version -h --help)
    repeating_options=()
    non_repeating_options=(--socket --timeout --format --color)
    __wscore_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_inspect_metrics() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--socket --timeout --format --color)
    __wscore_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_inspect_health() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--socket --timeout --format --color)
    __wscore_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_inspect_kick() {
    repeating_flags=()
    non_repeating_flags=(--yes -y --dry-run --json --version -h --help)
    repeating_options=()
    non_repeating_options=(--user --expect-count --reason --socket --timeout --format --color)
    __wscore_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--user')
        return
        ;;
    '--expect-count')
        return
        ;;
    '--reason')
        return
        ;;
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __wscore_add_completions -W "$(__wscore_custom_complete ---completion inspect kick -- positional@0 "${COMP_CWORD}" "$(__wscore_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_wscore_inspect_drain() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--over --socket --timeout --format --color)
    __wscore_offer_flags_options -1

    # Offer option value completions
    case "${prev}" in
    '--over')
        return
        ;;
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac

    # Offer positional completions
    case "${positional_number}" in
    *)
        __wscore_add_completions -W "$(__wscore_custom_complete ---completion inspect drain -- positional@0 "${COMP_CWORD}" "$(__wscore_cursor_index_in_current_word)")"
        return
        ;;
    esac
}

_wscore_inspect_undrain() {
    repeating_flags=()
    non_repeating_flags=(--json --version -h --help)
    repeating_options=()
    non_repeating_options=(--socket --timeout --format --color)
    __wscore_offer_flags_options 0

    # Offer option value completions
    case "${prev}" in
    '--socket')
        compopt -o filenames 2>/dev/null
        __wscore_add_completions -f
        return
        ;;
    '--timeout')
        return
        ;;
    '--format')
        __wscore_add_completions -W 'table'$'\n''json'$'\n''ndjson'
        return
        ;;
    '--color')
        __wscore_add_completions -W 'auto'$'\n''always'$'\n''never'
        return
        ;;
    esac
}

_wscore_help() {
    repeating_flags=()
    non_repeating_flags=(--version)
    repeating_options=()
    non_repeating_options=()
    __wscore_offer_flags_options -1
}

complete -F _wscore wscore
