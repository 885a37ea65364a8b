# The newest results that the branch has kept, to where the gate looks for them. Anybody's pull request can upload what
# is called so, from a branch that is called so: what counts is a push to that branch of this very repository, or the
# clock, and one of the workflows that keep results.
rm -f -- "$EARLIER"
case "$GITHUB_EVENT_NAME" in
  push | schedule)
    if [ "$GITHUB_REF" = "refs/heads/$BRANCH" ]; then
      echo "keep=true" >> "$GITHUB_OUTPUT"
    fi
    ;;
esac
kept="$(gh api --paginate "repos/$GITHUB_REPOSITORY/actions/artifacts?name=$ARTIFACT&per_page=100" \
  | jq --slurp --raw-output --arg name "$ARTIFACT" --arg branch "$BRANCH" --arg this "$GITHUB_RUN_ID" '
  [.[].artifacts[] | select(.name == $name and (.expired | not)) | select(.workflow_run.head_branch == $branch)
   | select(.workflow_run.head_repository_id == .workflow_run.repository_id)
   | select((.workflow_run.id | tostring) != $this)]
  | sort_by(.created_at) | reverse | .[].workflow_run.id')"
for run in $kept; do
  about="$(gh api "repos/$GITHUB_REPOSITORY/actions/runs/$run")"
  if jq --exit-status --arg here "$GITHUB_REPOSITORY" --arg branch "$BRANCH" --arg workflows "$WORKFLOWS" '
    (.event == "push" or .event == "schedule") and .head_branch == $branch and .head_repository.full_name == $here
    and (.path | split("@")[0] | IN($workflows | split("\n")[]))' <<< "$about" > /dev/null; then
    folder="$RUNNER_TEMP/$ARTIFACT"
    rm -rf -- "$folder"
    gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "$ARTIFACT" --dir "$folder"
    file="$(find "$folder" -mindepth 1 -maxdepth 1 -type f)"
    if [ "$(find "$folder" -mindepth 1 | wc -l)" != 1 ] || [ ! -f "$file" ]; then
      echo "The artifact $ARTIFACT of run $run is not one file: delete it, the next run on $BRANCH keeps another."
      exit 1
    fi
    mkdir -p "$(dirname "$EARLIER")"
    cp -- "$file" "$EARLIER"
    echo "Compared with: $(jq --raw-output '"\(.head_sha) of \(.head_branch), \(.html_url)"' <<< "$about")"
    exit 0
  fi
done
echo "$BRANCH has kept no results yet."
