// Wide tables scroll sideways: make them focusable, so that the keyboard can scroll them.
new MutationObserver(() => {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) table.tabIndex = 0
}).observe(document.documentElement, { childList: true, subtree: true })
