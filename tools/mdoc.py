"""mdoc(7) out of the JSON of argument-parser's --experimental-dump-help."""
import re
import textwrap

# In every command's help; the page wscore(1) has them.
EVERYWHERE = {"help", "version"}


def find(root, path):
    """The command of that path below the root; None if there is none."""
    command = root
    for name in path:
        command = next((c for c in command.get("subcommands", []) if c["commandName"] == name), None)
        if command is None:
            return None
    return command


def text(words):
    """Running text as lines of mdoc: a sentence a line, nothing that begins a request."""
    words = words.replace("\\", "\\e")
    words = re.sub(r"(?<![\w-])--?(?=\w)", lambda dash: dash[0].replace("-", "\\-"), words)
    # A hyphen is where a line may be broken, which is wrong in a path.
    words = re.sub(r"\S*/\S*", lambda path: re.sub(r"(?<!\\)-", r"\\-", path[0]), words)
    lines = []
    for line in words.splitlines():
        lines += re.split(r"(?<=[.;:!?])(?<!e\.g\.) +(?=[A-Z])", line.strip())
    folded = [part for line in lines for part in textwrap.wrap(line, 79, break_on_hyphens=False)]
    return ["\\&" + line if line[:1] in ".'" else line for line in folded]


def name(argument_name):
    """One name of an option as mdoc words."""
    dashes = "-" if argument_name["kind"] == "long" else ""
    return f"Fl {dashes}{argument_name['name']}"


def is_own(argument):
    return argument.get("shouldDisplay", True) and argument["valueName"] not in EVERYWHERE


def item(argument):
    """The lines of one argument in a tagged list."""
    value = f"Ar {argument['valueName']}"
    if argument["kind"] == "positional":
        head = f".It {value}" + (" ..." if argument.get("isRepeating") else "")
    else:
        short_first = sorted(argument["names"], key=lambda each: each["kind"] == "long")
        value = f" {value}" if argument["kind"] == "option" else ""
        head = ".It " + " , ".join(name(each) + value for each in short_first)
    body = [argument.get("abstract", ""), argument.get("discussion", "")]
    if values := argument.get("allValues"):
        described = argument.get("allValueDescriptions", {})
        body.append("One of: " + ", ".join(
            value + (f" ({described[value]})" if described.get(value, value) != value else "") for value in values) + ".")
    if argument.get("defaultValue") not in (None, ""):
        body.append(f"The default is {argument['defaultValue']}.")
    is_said = "again" in argument.get("abstract", "")
    if argument.get("isRepeating") and argument["kind"] != "positional" and not is_said:
        body.append("May be given again.")
    return [head, *[line for part in body for line in text(part)]]


def tagged(arguments):
    lines = [line for argument in arguments for line in item(argument)]
    return [".Bl -tag -width Ds", *lines, ".El"] if lines else []


def options(command):
    """All arguments of a command: first those without a group, then each group under its title."""
    groups = {}
    for argument in filter(is_own, command.get("arguments", [])):
        groups.setdefault(argument.get("sectionTitle", ""), []).append(argument)
    lines = tagged(groups.pop("", []))
    for title, arguments in groups.items():
        lines += [f".Ss {title}", *tagged(arguments)]
    return lines


def _shared(command):
    """Names of the options that all subcommands have."""
    sets = [
        {argument["valueName"] if "names" not in argument else argument["names"][0]["name"]
         for argument in filter(is_own, each.get("arguments", [])) if argument["kind"] != "positional"}
        for each in command.get("subcommands", [])]
    return set.intersection(*sets) if sets else set()


def _is_shared(argument, shared):
    return argument["kind"] != "positional" and argument["names"][0]["name"] in shared


def common_options(command):
    shared = _shared(command)
    first = command["subcommands"][0]["arguments"]
    return tagged([argument for argument in first if is_own(argument) and _is_shared(argument, shared)])


def subcommands(command):
    shared, lines = _shared(command), []
    for each in command["subcommands"]:
        own = [one for one in each.get("arguments", []) if is_own(one) and not _is_shared(one, shared)]
        lines += [f".Ss {each['commandName']}", usage(each["commandName"], own), *text(each["abstract"])]
        # Examples are the last lines of a discussion, set in by two spaces; the pages have their own.
        lines += text("\n".join(line for line in each.get("discussion", "").splitlines() if not line.startswith("  ")))
        lines += tagged(own)
    return lines


def usage(command, arguments):
    """A line that shows how a subcommand is written."""
    words = f".D1 Ic {command}"
    for argument in arguments:
        value = f"Ar {argument['valueName']}" + (" ..." if argument.get("isRepeating") else "")
        one = value if argument["kind"] == "positional" else name(argument["preferredName"]) + (
            f" {value}" if argument["kind"] == "option" else "")
        words += f" Oo {one} Oc" if argument.get("isOptional") else f" {one}"
    return words


def commands(root):
    lines = [".Bl -tag -width Ds"]
    for each in root["subcommands"]:
        if each["commandName"] == "help":
            continue
        lines += [f".It Xr {root['commandName']}-{each['commandName']} 1", *text(each["abstract"])]
    return lines + [".El"]


def repl(entries):
    lines = [".Bl -tag -width Ds"]
    for words, summary in entries:
        shown = words.replace('\\"', '"').replace("\\", "\\e").replace("-", "\\-").replace('"', '""')
        lines += [f'.It Ic "{shown}"', *text(summary[:1].upper() + summary[1:] + ".")]
    return lines + [".El"]
