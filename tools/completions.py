"""Mends what argument-parser's completion scripts do wrong (seen with 1.8):

- bash and zsh complete nothing behind `--option=`;
- bash takes every candidate for a file name, so that beside a directory `client` the command becomes `client/`.
"""
import re

_BASH_WORDS = '''    local -r cur="${2}"
    local -r prev="${3}"

    local -i positional_number
    local -a unparsed_words=("${COMP_WORDS[@]:1:${COMP_CWORD}}")
'''
_BASH_MENDED = '''    # bash takes the = of --option=value for a word of its own: here it is left out.
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
'''


def corrected(shell, script):
    """The script of that shell as it should be."""
    script = script if script.endswith("\n") else script + "\n"
    return {"bash": _bash, "zsh": _zsh}.get(shell, lambda same: same)(script)


def _replaced(script, old, new):
    if old not in script:
        raise SystemExit("completions: argument-parser's script has changed; see tools/completions.py\n  missing: " + old)
    return script.replace(old, new)


def _bash(script):
    script = _replaced(script, _BASH_WORDS, _BASH_MENDED)
    script = _replaced(script, "complete -o filenames -F _wscore wscore", "complete -F _wscore wscore")
    return re.sub(r"^( *)(__wscore_add_completions -[fd])", r"\1compopt -o filenames 2>/dev/null\n\1\2", script, flags=re.M)


def _zsh(script):
    """An option whose value may stand behind = says so by a = at its end: zshcompsys(1), _arguments."""
    lines = []
    for line in script.splitlines(True):
        stripped = line.lstrip()
        if re.match(r"""'\*?(\([^)]*\))?--?[\w-]+\[.*\]:""", stripped):
            line = re.sub(r"(--[\w-]+)\[", r"\1=[", line, count=1)
        elif re.match(r"""'?\*?(\([^)]*\))?'?\{-.*\}'\[.*\]:""", stripped):
            line = re.sub(r"(\{[^}]*?--[\w-]+)(?=[,}])", r"\1=", line, count=1)
        lines.append(line)
    return "".join(lines)
