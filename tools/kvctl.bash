# Completion of kvctl's commands and flags for bash:  source tools/kvctl.bash
# An alias of another name is completed after:  complete -o default -F _kvctl NAME
#
# Flags are read from the program itself; commands are listed here, since they come with every key press.

_kvctl() {
  local current="${COMP_WORDS[COMP_CWORD]}" word command=""
  local commands="get set delete local-read status help"
  # The shell does not look for aliases behind a variable, and one may hold a command or flags too.
  local -a line=("${COMP_WORDS[0]}")
  if [[ -v BASH_ALIASES["${line[0]}"] ]]; then read -r -a line <<<"${BASH_ALIASES["${line[0]}"]}"; fi
  local program="${line[0]/#\~\//$HOME/}"
  for word in "${line[@]:1}" "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " $commands " in
      *" $word "*) command="$word"; break ;;
    esac
  done
  COMPREPLY=()
  if [[ "$current" == -* ]]; then
    local flags="--help --version"
    if [[ -n "$command" && "$command" != help ]]; then
      flags="$("$program" "$command" --help 2>/dev/null | sed -n 's/^  \(--[a-z_]*\) .*/\1/p') --help"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
  elif [[ -z "$command" || "$command" == help ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
  fi
}

complete -o default -F _kvctl kvctl
