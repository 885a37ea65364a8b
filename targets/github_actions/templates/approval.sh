# The environment must ask a person; whoever may agree must be one of REVIEWERS, if there are any.
if ! settings="$(gh api "repos/$GITHUB_REPOSITORY/environments/$ENVIRONMENT")"; then
  echo "The environment $ENVIRONMENT cannot be read: make it in the settings of the repository."
  exit 1
fi
asked="$(jq --raw-output '.protection_rules[]? | select(.type == "required_reviewers") | .reviewers[]?.reviewer
  | .login // .slug' <<< "$settings")"
if [ -z "$asked" ]; then
  echo "The environment $ENVIRONMENT asks nobody: give it required reviewers in the settings of the repository."
  exit 1
fi
if [ -n "${REVIEWERS:-}" ]; then
  while IFS= read -r person; do
    if ! grep --quiet --ignore-case --line-regexp --fixed-strings -e "$person" < <(sed 's|.*/||' <<< "$REVIEWERS"); then
      echo "The environment $ENVIRONMENT asks $person, whom the config does not name."
      exit 1
    fi
  done <<< "$asked"
fi
waits="$(jq '[.protection_rules[]? | select(.type == "wait_timer") | .wait_timer] | max // 0' <<< "$settings")"
if [ "$waits" -lt "${MINUTES:-0}" ]; then
  echo "The environment $ENVIRONMENT waits $waits minutes instead of $MINUTES."
  exit 1
fi
