// Lets several loads take turns: one loads while the others wait, warm and connected.

/** Sides are numbers from 0. Nobody's turn begins before every side has asked for one or left. */
export class Turns {
  readonly #waiting = new Map<number, () => void>();
  readonly #present: Set<number>;
  readonly #ends: (() => void)[] = [];
  #last = -1;

  constructor(sides: number) {
    this.#present = new Set(Array.from({ length: sides }, (_, side) => side));
  }

  /** Ends this side's turn and resolves when its next one begins: the sides follow each other in order. */
  next(side: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(side, resolve);
      this.#pass();
    });
  }

  /** This side takes no more turns: it is done, or it failed. Once is enough, more do no harm. */
  leave(side: number): void {
    this.#present.delete(side);
    this.#waiting.delete(side);
    this.#pass();
    if (this.#present.size === 0) for (const end of this.#ends.splice(0)) end();
  }

  /** Leaves, and resolves when every side has left. */
  finish(side: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ends.push(resolve);
      this.leave(side);
    });
  }

  #pass(): void {
    if (this.#waiting.size < this.#present.size) return;
    const sides = [...this.#present].sort((a, b) => a - b);
    const next = sides.find((side) => side > this.#last) ?? sides[0];
    if (next === undefined) return;
    this.#last = next;
    const begin = this.#waiting.get(next);
    this.#waiting.delete(next);
    begin?.();
  }
}
