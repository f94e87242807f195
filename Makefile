# The few things one does here. Each is a script in scripts/, and each installs what it misses (see scripts/setup).

.DEFAULT_GOAL := help
SHELL := bash
.PHONY: help run test package bindings icons bench soak fuzz audit

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 10

run: ## build Outis and open its window (without a display: show it working in the terminal)
	@scripts/run

test: ## every check there is; ONLY="fmt clippy" runs just these
	@scripts/test $(ONLY)

package: ## make a package for this kind of machine: a .deb
	@scripts/package

bindings: ## write the TypeScript types of the window from the Rust ones
	@scripts/bindings

icons: ## draw every size of the icon from icons/*.svg
	@. scripts/env && scripts/icons.mjs

bench: ## measure: times, rates, memory
	@scripts/bench

soak: ## the long forms of the tests, for hours; ONLY="name" runs those with this in their name
	@scripts/soak $(ONLY)

fuzz: ## run libFuzzer on every decoder; SECONDS_EACH=60, ONLY="mailbox" for some
	@scripts/fuzz

audit: ## known vulnerabilities in what we depend on (needs the network)
	@scripts/audit
