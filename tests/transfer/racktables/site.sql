CREATE TABLE `Object` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `name` char(255) default NULL,
  `label` char(255) default NULL,
  `objtype_id` int(10) unsigned NOT NULL default '1',
  `asset_no` char(64) default NULL,
  `has_problems` enum('yes','no') NOT NULL default 'no',
  `comment` text,
  PRIMARY KEY  (`id`)
) ENGINE=InnoDB;
CREATE TABLE `EntityLink` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `parent_entity_type` enum('location','object','rack','row') NOT NULL,
  `parent_entity_id` int(10) unsigned NOT NULL,
  `child_entity_type` enum('location','object','rack','row') NOT NULL,
  `child_entity_id` int(10) unsigned NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
CREATE TABLE `RackSpace` (
  `rack_id` int(10) unsigned NOT NULL default '0',
  `unit_no` int(10) unsigned NOT NULL default '0',
  `atom` enum('front','interior','rear') NOT NULL default 'interior',
  `state` enum('A','U','T') NOT NULL default 'A',
  `object_id` int(10) unsigned default NULL,
  PRIMARY KEY  (`rack_id`,`unit_no`,`atom`)
) ENGINE=InnoDB;
CREATE TABLE `Port` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `object_id` int(10) unsigned NOT NULL default '0',
  `name` char(255) NOT NULL default '',
  `iif_id` int(10) unsigned NOT NULL,
  `type` int(10) unsigned NOT NULL default '0',
  `l2address` char(64) default NULL,
  `reservation_comment` char(255) default NULL,
  `label` char(255) default NULL,
  PRIMARY KEY  (`id`)
) ENGINE=InnoDB;
CREATE TABLE `PortOuterInterface` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `oif_name` char(48) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
CREATE TABLE `Link` (
  `porta` int(10) unsigned NOT NULL default '0',
  `portb` int(10) unsigned NOT NULL default '0',
  `cable` char(64) DEFAULT NULL,
  PRIMARY KEY  (`porta`,`portb`)
) ENGINE=InnoDB;
CREATE TABLE `Attribute` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `type` enum('string','uint','float','dict','date') default NULL,
  `name` char(64) default NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
CREATE TABLE `AttributeValue` (
  `object_id` int(10) unsigned NOT NULL,
  `object_tid` int(10) unsigned NOT NULL default '0',
  `attr_id` int(10) unsigned NOT NULL,
  `string_value` char(255) default NULL,
  `uint_value` int(10) unsigned default NULL,
  `float_value` float default NULL,
  PRIMARY KEY (`object_id`,`attr_id`)
) ENGINE=InnoDB;
CREATE TABLE `Dictionary` (
  `chapter_id` int(10) unsigned NOT NULL,
  `dict_key` int(10) unsigned NOT NULL auto_increment,
  `dict_sticky` enum('yes','no') default 'no',
  `dict_value` char(255) default NULL,
  PRIMARY KEY (`dict_key`)
) ENGINE=InnoDB;
CREATE TABLE `IPv4Network` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `ip` int(10) unsigned NOT NULL default '0',
  `mask` int(10) unsigned NOT NULL default '0',
  `name` char(255) default NULL,
  `comment` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
CREATE TABLE `IPv6Network` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `ip` binary(16) NOT NULL,
  `mask` int(10) unsigned NOT NULL,
  `last_ip` binary(16) NOT NULL,
  `name` char(255) default NULL,
  `comment` text,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
CREATE TABLE `IPv4Allocation` (
  `object_id` int(10) unsigned NOT NULL default '0',
  `ip` int(10) unsigned NOT NULL default '0',
  `name` char(255) NOT NULL default '',
  `type` enum('regular','shared','virtual','router','point2point') NOT NULL default 'regular',
  PRIMARY KEY (`object_id`,`ip`)
) ENGINE=InnoDB;
CREATE TABLE `IPv6Allocation` (
  `object_id` int(10) unsigned NOT NULL default '0',
  `ip` binary(16) NOT NULL,
  `name` char(255) NOT NULL default '',
  `type` enum('regular','shared','virtual','router') NOT NULL default 'regular',
  PRIMARY KEY (`object_id`,`ip`)
) ENGINE=InnoDB;
CREATE TABLE `TagStorage` (
  `entity_realm` enum('file','ipv4net','ipv6net','location','object','rack','user') NOT NULL default 'object',
  `entity_id` int(10) unsigned NOT NULL,
  `tag_id` int(10) unsigned NOT NULL default '0'
) ENGINE=InnoDB;
CREATE TABLE `TagTree` (
  `id` int(10) unsigned NOT NULL auto_increment,
  `parent_id` int(10) unsigned default NULL,
  `tag` char(255) default NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `Dictionary` (`chapter_id`, `dict_key`, `dict_value`) VALUES
(1,2,'PDU'),(1,4,'Server'),(1,8,'network switch'),(1,9,'PatchPanel'),(1,12,'UPS'),(1,445,'KVM switch'),(1,1504,'VM'),
(1,1505,'VM cluster'),(1,1560,'Rack'),(1,1561,'Row'),(1,1562,'Location'),(1,1644,'serial console server'),
(11,2000,'Dell PowerEdge%GPASS%R650%L1,1H%'),(13,2001,'[[Debian 12 | https://www.debian.org]]');
INSERT INTO `PortOuterInterface` VALUES (16,'AC-in'),(1322,'AC-out'),(24,'1000Base-T'),(29,'RS-232 (RJ-45)'),(33,'KVM (host)');
INSERT INTO `Attribute` VALUES (1,'string','OEM S/N 1'),(2,'dict','HW type'),(3,'string','FQDN'),(4,'dict','SW type'),
(22,'date','HW warranty expiration'),(17,'uint','DRAM, MB'),(13,'float','max power, Watts'),(27,'uint','Height, units');
INSERT INTO `Object` VALUES
(1,'Ulm',NULL,1562,NULL,'no',NULL),(2,'Hall 1',NULL,1562,NULL,'no',NULL),(3,'row A',NULL,1561,NULL,'no',NULL),
(4,'R1',NULL,1560,NULL,'no','by the door'),
(10,'srv1','front label',4,'A-1','yes','it\'s; "odd"\nlines'),(11,'srv2',NULL,4,NULL,'no',NULL),(12,NULL,NULL,4,NULL,'no',NULL),
(13,'srv2',NULL,4,NULL,'no',NULL),(20,'sw1',NULL,8,NULL,'no',NULL),(21,'pdu1',NULL,2,NULL,'no',NULL),
(22,'cs1',NULL,1644,NULL,'no',NULL),(23,'kvm1',NULL,445,NULL,'no',NULL),(24,'pp1',NULL,9,NULL,'no',NULL),
(30,'cluster 1',NULL,1505,NULL,'no',NULL),(31,'vm1',NULL,1504,NULL,'no',NULL);
INSERT INTO `EntityLink` (`parent_entity_type`, `parent_entity_id`, `child_entity_type`, `child_entity_id`) VALUES
('location',1,'location',2),('location',2,'row',3),('row',3,'rack',4),('rack',4,'object',21),
('object',30,'object',31),('object',10,'object',30);
INSERT INTO `RackSpace` VALUES (4,10,'front','T',10),(4,10,'rear','T',10),(4,11,'front','T',10),(4,12,'front','T',11),
(4,12,'rear','T',13),(4,20,'front','T',20),(4,1,'front','U',NULL);
INSERT INTO `Port` VALUES
(100,10,'eth0',1,24,'525400000001',NULL,'LAN 1'),(101,10,'eth 1',1,24,'52540000000200FF','kept',NULL),(102,10,'ps1',1,16,NULL,NULL,NULL),
(103,10,'com1',1,29,NULL,NULL,NULL),(104,10,'kvm',1,33,NULL,NULL,NULL),
(110,20,'Gi1/0/1',1,24,NULL,NULL,NULL),(111,20,'Gi1/0/2',1,24,NULL,NULL,NULL),(120,21,'out1',1,1322,NULL,NULL,NULL),
(121,21,'in',1,16,NULL,NULL,NULL),(130,22,'1',1,29,NULL,NULL,NULL),(131,22,'eth0',1,24,NULL,NULL,NULL),
(140,24,'1',1,24,NULL,NULL,NULL),(150,23,'1',1,33,NULL,NULL,NULL),(160,31,'eth0',1,24,NULL,NULL,NULL);
INSERT INTO `Link` VALUES (100,110,'C1'),(120,102,NULL),(103,130,NULL),(104,150,NULL),(140,111,NULL);
INSERT INTO `AttributeValue` VALUES (10,4,1,'S-1',NULL,NULL),(10,4,2,NULL,2000,NULL),(10,4,4,NULL,2001,NULL),
(10,4,22,NULL,1735689600,NULL),(10,4,17,NULL,65536,NULL),(10,4,13,NULL,NULL,350.5),(4,1560,27,NULL,24,NULL);
INSERT INTO `IPv4Network` VALUES (1,167772160,24,'servers',NULL);
INSERT INTO `IPv6Network` VALUES (1,0x20010DB8000000000000000000000000,64,0x20010DB800000000FFFFFFFFFFFFFFFF,'six',NULL);
INSERT INTO `IPv4Allocation` VALUES (10,167772161,'eth0','regular'),(11,167772162,'bond0','regular'),
(10,167772170,'vip','shared'),(11,167772170,'vip','shared'),(31,167772163,'eth0','regular');
INSERT INTO `IPv6Allocation` VALUES (10,0x20010DB8000000000000000000000001,'eth 1','regular');
INSERT INTO `TagTree` VALUES (1,NULL,'prod'),(2,1,'web');
INSERT INTO `TagStorage` VALUES ('object',10,1),('object',10,2),('ipv4net',1,1),('rack',4,2);
