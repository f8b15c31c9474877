/** What Redis does for others between start and stop: commands, bytes received, bytes sent. */
export class RedisTraffic {
  constructor(redis) {
    this.redis = redis;
  }

  async start() {
    this.commandsBefore = await this.redis.commands();
    // Asking costs bytes as well: one question and one answer lie between two askings.
    const asked = await this.bytes();
    this.before = await this.bytes();
    this.asking = { in: this.before.in - asked.in, out: this.before.out - asked.out };
  }

  async stop() {
    const after = await this.bytes();
    const commands = (await this.redis.commands()) - this.commandsBefore;
    return {
      commands,
      bytesIn: Math.max(0, after.in - this.before.in - this.asking.in),
      bytesOut: Math.max(0, after.out - this.before.out - this.asking.out),
    };
  }

  async bytes() {
    const stats = await this.redis.client.info('stats');
    const read = (name) => Number(new RegExp(`^${name}:(\\d+)`, 'mu').exec(stats)[1]);
    return { in: read('total_net_input_bytes'), out: read('total_net_output_bytes') };
  }
}
