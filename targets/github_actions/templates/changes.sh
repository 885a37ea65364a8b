# For each eval, whether the change touches a file that decides it. Where the base is not known, each is run.
known=true
git cat-file -e "$BASE^{commit}" 2> /dev/null || known=false
for name in $EVALS; do
  files="FILES_$name"
  mapfile -t paths <<< "${!files%$'\n'}"
  changed=true
  if [ "$known" = true ] && git diff --quiet "$BASE" HEAD -- "${paths[@]}"; then
    changed=false
  fi
  echo "$name: $changed"
  echo "$name=$changed" >> "$GITHUB_OUTPUT"
done
