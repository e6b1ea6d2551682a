# Completion of clusto for fish. clusto itself knows the candidates; this hands them to the shell.

function __clusto_complete
    set -l program (commandline --tokenize --cut-at-cursor --current-process)[1]
    type --query $program; or set program clusto
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    set -l answer ($program completion fish --line "$line" 2>/dev/null)
    switch "$answer[1]"
        case file dir
            __fish_complete_path (commandline --current-token)
        case '*'
            printf '%s\n' $answer[2..]
    end
end

complete --command clusto --no-files --keep-order --arguments '(__clusto_complete)'
