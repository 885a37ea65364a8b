log="$RUNNER_TEMP/$LLMOPS_LOG"
{{ command }} > "$log" 2>&1 < /dev/null &
server=$!
until curl --fail --silent --output /dev/null --max-time 5 "$LLMOPS_HEALTH"; do
  if [ "$SECONDS" -ge 300 ] || ! kill -0 "$server" 2> /dev/null; then
    echo "It does not answer at $LLMOPS_HEALTH; its log:"
    # Set in, so that no line of it is a command to the runner.
    tail -n 200 "$log" | sed 's/^/  /'
    exit 1
  fi
  sleep 1
done
