import com.alibaba.fastjson2.JSON;
import com.alibaba.otter.canal.instance.manager.CanalInstanceWithManager;
import com.alibaba.otter.canal.instance.manager.model.Canal;
import com.alibaba.otter.canal.instance.manager.model.CanalParameter;
import com.alibaba.otter.canal.protocol.CanalEntry.Column;
import com.alibaba.otter.canal.protocol.CanalEntry.Entry;
import com.alibaba.otter.canal.protocol.CanalEntry.EntryType;
import com.alibaba.otter.canal.protocol.CanalEntry.RowChange;
import com.alibaba.otter.canal.protocol.CanalEntry.RowData;
import com.alibaba.otter.canal.protocol.ClientIdentity;
import com.alibaba.otter.canal.protocol.Message;
import com.alibaba.otter.canal.server.embedded.CanalServerWithEmbedded;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Canal inside this process: prints each row change of a schema as one line of JSON, from a position of the
 * binary log up to the first change of the table `end`.
 *
 * Arguments: host, port, user, password, schema, file, offset, server id.
 */
public final class RowChanges {
  private static final String DESTINATION = "ledger";
  private static final String LAST = "end";

  public static void main(String[] arguments) throws Exception {
    String schema = arguments[4];
    CanalServerWithEmbedded server = CanalServerWithEmbedded.instance();
    server.setCanalInstanceGenerator(
        destination -> new CanalInstanceWithManager(canal(arguments), schema + "\\..*"));
    server.start();
    server.start(DESTINATION);
    ClientIdentity reader = new ClientIdentity(DESTINATION, (short) 1);
    server.subscribe(reader);
    boolean more = true;
    while (more) {
      Message message = server.getWithoutAck(reader, 1000, 100L, TimeUnit.MILLISECONDS);
      for (Entry entry : message.getEntries()) {
        more = more && print(entry);
      }
      if (message.getId() != -1) {
        server.ack(reader, message.getId());
      }
    }
    System.out.flush();
    // Its threads are no daemons.
    Runtime.getRuntime().halt(0);
  }

  /** Whether there is more to come behind this entry. */
  private static boolean print(Entry entry) throws Exception {
    if (entry.getEntryType() != EntryType.ROWDATA) {
      return true;
    }
    if (entry.getHeader().getTableName().equals(LAST)) {
      return false;
    }
    String table = entry.getHeader().getSchemaName() + "." + entry.getHeader().getTableName();
    RowChange change = RowChange.parseFrom(entry.getStoreValue());
    for (RowData row : change.getRowDatasList()) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("table", table);
      line.put("kind", change.getEventType().name());
      line.put("before", values(row.getBeforeColumnsList()));
      line.put("after", values(row.getAfterColumnsList()));
      System.out.println(JSON.toJSONString(line, com.alibaba.fastjson2.JSONWriter.Feature.WriteMapNullValue));
    }
    return true;
  }

  private static Map<String, String> values(List<Column> columns) {
    if (columns.isEmpty()) {
      return null;
    }
    Map<String, String> values = new LinkedHashMap<>();
    for (Column column : columns) {
      values.put(column.getName(), column.getIsNull() ? null : column.getValue());
    }
    return values;
  }

  private static Canal canal(String[] arguments) {
    CanalParameter parameter = new CanalParameter();
    parameter.setMetaMode(CanalParameter.MetaMode.MEMORY);
    parameter.setIndexMode(CanalParameter.IndexMode.MEMORY);
    parameter.setStorageMode(CanalParameter.StorageMode.MEMORY);
    parameter.setSourcingType(CanalParameter.SourcingType.MYSQL);
    parameter.setHaMode(CanalParameter.HAMode.HEARTBEAT);
    parameter.setDbAddresses(List.of(new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]))));
    parameter.setDbUsername(arguments[2]);
    parameter.setDbPassword(arguments[3]);
    parameter.setDefaultDatabaseName(arguments[4]);
    parameter.setPositions(
        List.of("{\"journalName\":\"" + arguments[5] + "\",\"position\":" + arguments[6] + "}"));
    parameter.setSlaveId(Long.parseLong(arguments[7]));
    parameter.setMemoryStorageRawEntry(false);
    parameter.setGtidEnable(false);
    parameter.setTsdbEnable(false);
    parameter.setDetectingEnable(false);
    Canal canal = new Canal();
    canal.setId(1L);
    canal.setName(DESTINATION);
    canal.setCanalParameter(parameter);
    return canal;
  }
}
