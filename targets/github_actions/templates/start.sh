{{ command }} > "$RUNNER_TEMP/{{ log }}" 2>&1 &
for _ in $(seq 180); do
  if curl --fail --silent --output /dev/null "http://127.0.0.1:{{ port }}{{ health }}"; then exit 0; fi
  sleep 1
done
cat "$RUNNER_TEMP/{{ log }}"
exit 1
