package outcry.bench;

import exchange.core2.collections.objpool.ObjectsPool;
import exchange.core2.core.common.CoreSymbolSpecification;
import exchange.core2.core.common.IOrder;
import exchange.core2.core.common.MatcherEventType;
import exchange.core2.core.common.MatcherTradeEvent;
import exchange.core2.core.common.OrderAction;
import exchange.core2.core.common.OrderType;
import exchange.core2.core.common.SymbolType;
import exchange.core2.core.common.cmd.CommandResultCode;
import exchange.core2.core.common.cmd.OrderCommand;
import exchange.core2.core.common.cmd.OrderCommandType;
import exchange.core2.core.common.config.LoggingConfiguration;
import exchange.core2.core.orderbook.IOrderBook;
import exchange.core2.core.orderbook.OrderBookDirectImpl;
import exchange.core2.core.orderbook.OrderBookEventsHelper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * exchange-core's {@code OrderBookDirectImpl} alone, without its disruptor, risk engine and journal.
 *
 * <p>{@code ExchangeCore FILE ROUNDS} reads the workload (its format is described in
 * bench/engine-rs/src/record.rs), carries it out with a new book each round, times the part behind the fill
 * and prints one JSON array. The first rounds are those in which the JIT compiles.
 */
public final class ExchangeCore {
    private static final int RECORD = 32;
    private static final long MAGIC = 0x3157_5952_4354_554fL;
    private static final int LIMIT = 0;
    private static final int IOC = 1;
    private static final int CANCEL = 2;
    private static final int REDUCE = 3;

    private final IOrderBook book =
            new OrderBookDirectImpl(
                    CoreSymbolSpecification.builder()
                            .symbolId(1)
                            .type(SymbolType.CURRENCY_EXCHANGE_PAIR)
                            .baseCurrency(1)
                            .quoteCurrency(2)
                            .baseScaleK(1)
                            .quoteScaleK(1)
                            .build(),
                    ObjectsPool.createDefaultTestPool(),
                    OrderBookEventsHelper.NON_POOLED_EVENTS_HELPER,
                    LoggingConfiguration.DEFAULT);
    private final OrderCommand command = new OrderCommand();
    private long trades;
    private long volume;

    private void apply(ByteBuffer records, int at) {
        OrderCommand command = this.command;
        int kind = records.get(at + 28);
        command.orderId = records.getLong(at);
        command.price = records.getInt(at + 8);
        command.uid = records.getInt(at + 12);
        command.size = records.getInt(at + 16);
        command.action = records.get(at + 29) == 0 ? OrderAction.BID : OrderAction.ASK;
        command.resultCode = CommandResultCode.VALID_FOR_MATCHING_ENGINE;
        command.matcherEvent = null;
        switch (kind) {
            case LIMIT:
                command.command = OrderCommandType.PLACE_ORDER;
                command.orderType = OrderType.GTC;
                command.reserveBidPrice = Integer.MAX_VALUE;
                break;
            case IOC:
                command.command = OrderCommandType.PLACE_ORDER;
                command.orderType = OrderType.IOC;
                command.reserveBidPrice = Integer.MAX_VALUE;
                break;
            case CANCEL:
                command.command = OrderCommandType.CANCEL_ORDER;
                break;
            case REDUCE:
                command.command = OrderCommandType.REDUCE_ORDER;
                break;
            default:
                command.command = OrderCommandType.MOVE_ORDER;
        }
        CommandResultCode result = IOrderBook.processCommand(book, command);
        if (result != CommandResultCode.SUCCESS) {
            throw new IllegalStateException(result + " for record " + at / RECORD);
        }
        for (MatcherTradeEvent event = command.matcherEvent; event != null; event = event.nextEvent) {
            if (event.eventType == MatcherEventType.TRADE) {
                trades++;
                volume += event.size;
            }
        }
    }

    private void applyAll(ByteBuffer records, int from, int to) {
        for (int record = from; record < to; record++) {
            apply(records, record * RECORD);
        }
    }

    private long digest() {
        long digest = 0xcbf2_9ce4_8422_2325L;
        for (Stream<? extends IOrder> side : java.util.List.of(book.bidOrdersStream(true), book.askOrdersStream(true))) {
            for (var orders = side.iterator(); orders.hasNext(); ) {
                IOrder order = orders.next();
                long left = order.getSize() - order.getFilled();
                for (long word : new long[] {order.getOrderId(), order.getPrice(), left}) {
                    digest = (digest ^ word) * 0x0100_0000_01b3L;
                }
            }
        }
        return digest;
    }

    private String outcome() {
        int resting = book.getOrdersNum(OrderAction.BID) + book.getOrdersNum(OrderAction.ASK);
        return String.format(
                "{\"trades\": %d, \"volume\": %d, \"resting\": %d, \"book\": \"%016x\"}",
                trades, volume, resting, digest());
    }

    private static String round(ByteBuffer records, int fill, int timed) {
        ExchangeCore engine = new ExchangeCore();
        engine.applyAll(records, 0, fill);
        long started = System.nanoTime();
        engine.applyAll(records, fill, fill + timed);
        double seconds = (System.nanoTime() - started) / 1e9;
        return String.format(
                "{\"finished\": true, \"commands\": %d, \"seconds\": %.9f, \"outcome\": %s}",
                timed, seconds, engine.outcome());
    }

    /** Reads the file, runs the rounds, prints their results. */
    public static void main(String[] arguments) throws IOException {
        ByteBuffer records;
        int fill;
        int timed;
        try (FileChannel file = FileChannel.open(Path.of(arguments[0]))) {
            MappedByteBuffer whole = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
            whole.order(ByteOrder.LITTLE_ENDIAN);
            if (whole.getLong(0) != MAGIC) {
                throw new IllegalArgumentException(arguments[0] + " is no workload");
            }
            fill = Math.toIntExact(whole.getLong(8));
            timed = Math.toIntExact(whole.getLong(16));
            whole.load();
            records = whole.slice(RECORD, (fill + timed) * RECORD).order(ByteOrder.LITTLE_ENDIAN);
        }
        int rounds = Integer.parseInt(arguments[1]);
        StringBuilder results = new StringBuilder("[");
        for (int round = 0; round < rounds; round++) {
            results.append(round == 0 ? "" : ", ").append(round(records, fill, timed));
        }
        System.out.println(results.append("]"));
    }
}
