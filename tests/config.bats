# SPDX-License-Identifier: MIT
# The configuration: examples, the page, the file's places.
load helper

setup() {
	common_setup
	cd "$T"
}

teardown() { common_teardown; }

request() {
	printf '{"type":"request","id":1,"method":"POST","target":"/v1/messages","headers":{},"bytes":%d}\n%s\n' "${#1}" "$1"
}

explain() { request '{"model":"m"}' | lb-route "$@" --explain; }

@test "every example loads" {
	count=0
	for file in "$ROOT"/examples/*.json; do
		lb-route -c "$file" </dev/null
		count=$((count + 1))
	done
	[ "$count" -ge 2 ]
}

@test "the examples of the page give what the page says" {
	page_examples lb.json.5 6
}

@test "the page lists every preset with its key's variable and its model" {
	awk -F ' Ta ' '/^\.Sh PRESETS/ { here = 1 } /^\.El/ { here = 0 }
		here && /^\.It [^S]/ { gsub(/\\&/, ""); sub(/^\.It /, ""); print $1 ":" $2 ":" $3 }' "$ROOT/man/lb.json.5" | sort >page
	[ "$(wc -l <page)" -ge 24 ]
	while IFS=: read -r name variable model; do
		echo "{\"providers\":{\"p\":{\"preset\":\"$name\"}}}" >one.json
		# The route named after the provider has its default model; a key that is not optional is its variable.
		for path in /v1/messages /v1/chat/completions; do
			request '{"model":"p"}' | sed "s|/v1/messages|$path|" | lb-route -c one.json
		done | jq -r 'select(.plan) | .plan.attempts[0] | "\(.key) \(.model)"' | head -n 1 >got
		case $name in ollama | vllm | lmstudio) variable= ;; esac
		echo "${variable:+env:}${variable:-null} ${model:-null}" >want
		same want got || { echo "$name"; false; }
	done <page
	sed -n 's/^	{ "\([a-z-]*\)", .*/\1/p' "$ROOT/lib/config/preset.c" | sort >code
	cut -d : -f 1 page | sort >names
	same code names
}

@test "the page names every key of the configuration" {
	sed -n '/provider_keys\[PROVIDER_KEYS\]/,/;/p; /names\[\] = {/,/;/p' "$ROOT/lib/config/read.c" "$ROOT/lib/config/routes.c" |
		grep -o '"[a-z_0-9]*"' | tr -d '"' | sort -u >want
	# Those of a price are told within its text.
	sed -n 's/^\.It Ic //p; s/^\.Ic \(input\|output\|cache_[a-z]*\)\( ,\)*$/\1/p' "$ROOT/man/lb.json.5" | tr -s ' ,' '\n' | sort -u >page
	[ "$(grep -c . want)" -ge 30 ]
	same want page
}

@test "-c goes before LB_CONFIG, and LB_CONFIG before the environment" {
	echo '{"providers":{"one":{"base_url":"http://one","dialect":"anthropic"}}}' >one.json
	echo '{"providers":{"two":{"base_url":"http://two","dialect":"anthropic"}}}' >two.json
	export LB_CONFIG=$T/two.json MINIMAX_API_KEY=secret
	[[ $(explain -c one.json) == *"1. one: http://one/"* ]]
	[[ $(explain) == *"1. two: http://two/"* ]]
	[[ $(LB_CONFIG= explain) == *"1. minimax"* ]]
	export LB_CONFIG=$T/none.json
	run -100 lb-route </dev/null
	[ "${lines[0]}" = "$T/none.json: unable to open it: No such file or directory" ]
	run -100 lb-route -c "$T" </dev/null
	[[ ${lines[0]} == "$T: unable to read it: "* ]]
	: >empty.json
	run -100 lb-route -c empty.json </dev/null
	[ "${lines[0]}" = "empty.json:1: the file is empty" ]
}

@test "from the environment: presets whose variables are set, in their order; no key is ever printed" {
	export OPENROUTER_API_KEY=secret ANTHROPIC_API_KEY=secret LLAMACPP_BASE_URL=http://127.0.0.1:8081/v1
	explain >got
	cat >want <<-'END'
		request 1: POST "/v1/messages"
		  wants: model 'm', the anthropic dialect
		  because: route '*' is the first that matches the model
		  1. anthropic, as 'claude-opus-5-5', with env:ANTHROPIC_API_KEY: https://api.anthropic.com/v1/messages
		  2. openrouter, as 'anthropic/claude-opus-5', with env:OPENROUTER_API_KEY: https://openrouter.ai/api/v1/messages
		  3. llamacpp: http://127.0.0.1:8081/v1/messages
	END
	same want got
	# A stage that does not see the keys is told what is in effect.
	unset OPENROUTER_API_KEY ANTHROPIC_API_KEY
	LB_PRESETS=anthropic,openrouter,llamacpp explain >got
	same want got
	LB_PRESETS=anthropic,oops run -100 lb-route </dev/null
	[ "${lines[0]}" = "environment: LB_PRESETS: there is no preset 'oops'" ]
	LLAMACPP_BASE_URL=localhost run -100 lb-route </dev/null
	[ "${lines[0]}" = "environment: LLAMACPP_BASE_URL must begin with http:// or https://" ]
}

@test "a key that stands in the configuration itself is refused and not repeated" {
	echo '{"providers":{"p":{"preset":"minimax","key":"sk-very-secret"},"q":{"base_url":"https://u:pass@h","dialect":"openai"}}}' >k.json
	run -100 lb-route -c k.json </dev/null
	[[ $output != *very-secret* && $output != *pass@* ]]
	[[ ${lines[0]} == "k.json:1: 'key' must be env:NAME"* ]]
	[[ ${lines[1]} == "k.json:1: 'base_url' must not hold a user or password"* ]]
}
