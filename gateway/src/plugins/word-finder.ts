// Finds any of many words in one pass (Aho and Corasick, 1975): time grows with the text alone, whatever the text is made of.

interface State {
  next: Map<string, State>;
  /** Where to go on when no letter fits: the longest end of what was read that is a beginning of a word. */
  back: State | undefined;
  /** The word that ends here, or within what was read. */
  word: string | undefined;
}

/** Upper and lower case are the same. @returns the first word that a text holds */
export function createWordFinder(words: readonly string[]): (text: string) => string | undefined {
  const root: State = { next: new Map(), back: undefined, word: undefined };
  for (const word of words) {
    let state = root;
    for (const letter of word.toLowerCase()) {
      let next = state.next.get(letter);
      if (next === undefined) {
        next = { next: new Map(), back: root, word: undefined };
        state.next.set(letter, next);
      }
      state = next;
    }
    state.word = word;
  }
  // Breadth first: what a state falls back to is shorter, and so finished before it.
  const states = [...root.next.values()];
  for (const state of states) {
    for (const [letter, next] of state.next) {
      let back = state.back;
      while (back !== undefined && !back.next.has(letter)) back = back.back;
      next.back = back?.next.get(letter) ?? root;
      next.word ??= next.back.word;
      states.push(next);
    }
  }
  return function findWord(text) {
    let state = root;
    for (const letter of text.toLowerCase()) {
      while (state !== root && !state.next.has(letter)) state = state.back ?? root;
      state = state.next.get(letter) ?? root;
      if (state.word !== undefined) return state.word;
    }
    return undefined;
  };
}
