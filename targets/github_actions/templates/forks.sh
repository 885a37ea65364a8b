{
  echo "### This pull request comes from a fork"
  echo
  echo "A run for a fork gets no secret and calls no model, so these did not run:"
  echo
  for job in $JOBS; do
    echo "- \`$job\`"
  done
  echo
  echo "Somebody with write access can run them: push the commits to a branch of this repository."
} >> "$GITHUB_STEP_SUMMARY"
