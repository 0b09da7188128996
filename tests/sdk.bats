# SPDX-License-Identifier: MIT
# Anthropic's SDK through lb: whatever a provider does, it raises exactly where the answer is not whole, and what it makes
# of a whole one is the message. One provider plays each fault for a model of its name (tests/sdk/faults.mjs).
load helper

# The newest, and the last of those that send x-api-key and an older API version.
NEWEST=1.12.0
OLDER=0.137.0

# All faults in all modes are asked for once for each version, and the tests look at what was said of them.
setup_file() {
	local version
	common_setup
	cd "$T"
	mkdir -p "$ROOT/build/sdk"
	for version in $NEWEST $OLDER; do
		install_sdk $version >"$BATS_FILE_TMPDIR/$version.missing" || continue
		rm "$BATS_FILE_TMPDIR/$version.missing"
		[ -n "${LB-}" ] || serve
		mkdir "$version"
		node "$ROOT/tests/sdk/faults.mjs" "$(module $version)" "http://127.0.0.1:$LB" "$T/$version" "${FAULTS[@]}" \
			>"$BATS_FILE_TMPDIR/$version.out" 2>&1 || echo "it died" >>"$BATS_FILE_TMPDIR/$version.out"
	done
	cd "$ROOT"
	common_teardown
}

setup() {
	common_setup
	cd "$T"
}
teardown() { common_teardown; }

module() { echo "$ROOT/build/sdk/$1/node_modules/@anthropic-ai/sdk/index.mjs"; }

# install_sdk VERSION: below build/, if it is not there yet; prints what is missing if it cannot.
install_sdk() {
	local fresh
	command -v node >/dev/null || { echo "node is missing"; return 1; }
	[ ! -f "$(module "$1")" ] || return 0
	command -v npm >/dev/null || { echo "npm is missing"; return 1; }
	fresh=$(mktemp -d "$ROOT/build/sdk/fresh.XXXXXX")
	if timeout 100 npm install --prefix "$fresh" --no-audit --no-fund --ignore-scripts --fetch-retries=0 \
		--fetch-timeout=20000 "@anthropic-ai/sdk@$1" >npm.out 2>&1; then
		# Whoever is first puts it in its place.
		mv -T "$fresh" "$ROOT/build/sdk/$1" 2>/dev/null || rm -rf "$fresh"
		return 0
	fi
	rm -rf "$fresh"
	echo "npm cannot install it: $(grep -m 1 -i '^npm err' npm.out | cut -c1-100)"
	return 1
}

# there VERSION: skips the test if the SDK is not.
there() {
	[ ! -f "$BATS_FILE_TMPDIR/$1.missing" ] || skip "$(cat "$BATS_FILE_TMPDIR/$1.missing")"
}

# lb_json FAULTS GOOD: the configuration with providers on these ports. Only those that fall silent have short time limits,
# so that a slow machine makes no other answer late.
lb_json() {
	local name routes=
	for name in no-head no-body start-silence; do routes+=$(routes_to mute $name); done
	routes+=$(routes_to silent 'silence-*')$(routes_to silent json-silence)$(routes_to faults '*')
	cat <<-END
		{
		  "providers": {
		    "faults": { "base_url": "http://127.0.0.1:$1", "dialect": "anthropic" },
		    "mute": { "base_url": "http://127.0.0.1:$1", "dialect": "anthropic", "first_byte_ms": 700, "idle_ms": 700 },
		    "silent": { "base_url": "http://127.0.0.1:$1", "dialect": "anthropic", "idle_ms": 700 },
		    "good": { "base_url": "http://127.0.0.1:$2", "dialect": "anthropic" }
		  },
		  "routes": [ ${routes%,} ]
		}
	END
}

# routes_to PROVIDER FAULTS: a route to it alone, and one with the good provider behind it.
routes_to() {
	echo "{ \"model\": \"one/$2/*\", \"targets\": [ { \"provider\": \"$1\" } ] },"
	echo "{ \"model\": \"two/$2/*\", \"targets\": [ { \"provider\": \"$1\", \"context\": 1000 },"
	echo "  { \"provider\": \"good\", \"context\": 9000 } ] },"
}

# Starts a provider that plays all faults, a good one, and lb; its port is $LB.
serve() {
	local name faults good
	for name in "$FIXTURES"/replay/*.replay; do
		FAULTS+=("$(basename "$name" .replay)")
		sed "s|^on POST /v1/messages|& model=*/${FAULTS[-1]}/*|" "$name"
	done >faults.replay
	cat "$ROOT/tests/sdk/thinking.replay" >>faults.replay
	FAULTS+=($(sed -n 's|^on .* model=\*/\(.*\)/\*$|\1|p' "$ROOT/tests/sdk/thinking.replay"))
	{
		sed 's|^on POST /v1/messages|& stream=true|' "$FIXTURES/replay/good.replay"
		cat "$FIXTURES/replay/good-json.replay"
	} >good.replay
	faults=$(free_port) good=$(free_port) LB=$(free_port)
	start faults lb-listen -l "127.0.0.1:$faults" -- lb-replay faults.replay
	start good lb-listen -l "127.0.0.1:$good" -- lb-replay good.replay
	lb_json "$faults" "$good" >lb.json
	start lb lb -c lb.json -l "127.0.0.1:$LB"
	wait_for 100 listening "$faults"
	wait_for 100 listening "$good"
	wait_for 100 listening "$LB"
}

# said VERSION MODE: what was said of that, which is to be the count alone.
said() {
	there "$1"
	grep "^$2: " "$BATS_FILE_TMPDIR/$1.out" || cat "$BATS_FILE_TMPDIR/$1.out"
	run grep -c "^$2: " "$BATS_FILE_TMPDIR/$1.out"
	[ "$output" = 1 ]
	grep -qx "$2: [0-9]* answers, [1-9][0-9]* whole, 0 wrong" "$BATS_FILE_TMPDIR/$1.out"
}

@test "the newest SDK, messages.stream(): it raises exactly where the answer is not whole" { said $NEWEST stream; }
@test "the newest SDK, create() with stream: true: likewise" { said $NEWEST raw; }
@test "the newest SDK, create(): likewise, with each error's class and status" { said $NEWEST plain; }
@test "SDK 0.137, messages.stream()" { said $OLDER stream; }
@test "SDK 0.137, create() with stream: true" { said $OLDER raw; }
@test "SDK 0.137, create()" { said $OLDER plain; }

@test "the SDK's example prints what the provider said" {
	there $NEWEST
	FAULTS=()
	serve
	ln -s "$ROOT/build/sdk/$NEWEST/node_modules" node_modules
	sed 's|"minimax"|"one/good/x"|' "$ROOT/examples/clients/anthropic_sdk.mjs" >example.mjs
	LB_URL=http://127.0.0.1:$LB node example.mjs >said
	echo "Two and two make four: naïve, but whole. 四" >want
	same said want
}
