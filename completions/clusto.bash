# Completion of clusto for bash 4.4 and newer. clusto itself knows the candidates; this hands them to the shell.

_clusto() {
    local program=${1/#\~\//$HOME/} answer
    type -P -- "$program" >/dev/null || program=clusto
    mapfile -t answer < <("$program" completion bash --line "${COMP_LINE:0:COMP_POINT}" --word "$2" 2>/dev/null)
    COMPREPLY=("${answer[@]:1}")
    case ${answer[0]-} in
        nospace) compopt -o nospace ;;
        file) compopt -o default ;;
        dir) compopt -o dirnames ;;
    esac
}

complete -o nosort -F _clusto clusto
