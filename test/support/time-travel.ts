import { jest } from '@jest/globals';

/** Moves the time of everything in this process, provider included, without anybody waiting. */
export class TimeTravel {
  private offset = 0;
  private readonly now = Date.now.bind(Date);
  private readonly spy = jest.spyOn(Date, 'now').mockImplementation(() => this.now() + this.offset);

  forward(seconds: number): void {
    this.offset += seconds * 1000;
  }

  end(): void {
    this.spy.mockRestore();
  }
}
