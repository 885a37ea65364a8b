# One comment, found by its first line and replaced from then on.
body="$RUNNER_TEMP/comment.md"
{
  echo "$MARKER"
  echo "### $TITLE"
  echo
  echo "| job | result |"
  echo "| --- | --- |"
  while read -r job result; do
    [ -z "$job" ] || echo "| \`$job\` | $result |"
  done <<< "$RESULTS"
  echo
  echo "[The whole run]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID)"
} > "$body"
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
own="$(gh api --paginate "$comments" | jq --slurp --raw-output --arg marker "$MARKER" '
  [flatten[] | select(.user.login == "github-actions[bot]")
   | select((.body | split("\n")[0] | rtrimstr("\r")) == $marker)][0].id // empty')"
if [ -n "$own" ]; then
  set -- --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$own"
else
  set -- --method POST "$comments"
fi
jq --null-input --rawfile body "$body" '{body: $body}' | gh api "$@" --input - > /dev/null
